import { type AdminSources, serveAdmin } from './admin.ts';
import type { SharedConfig } from './config.ts';

/** How a process is observed and stopped. A worker process is observed by its supervisor instead of an admin port. */
export interface Place {
  /** Fields of every line of its log. */
  readonly logFields: Readonly<Record<string, string>>;
  serveAdmin(config: SharedConfig, sources: AdminSources): Promise<{ close(): Promise<void> | void }>;
  /** Calls back with the cause if the process is to stop for a reason other than SIGTERM or SIGINT. Repeated calls count once. */
  onStop(stop: (cause: string) => void): void;
}

/** A process of its own: an admin port and signals. */
export const OWN_PLACE: Place = {
  logFields: {},
  serveAdmin: (config, sources) => serveAdmin(config.adminBindAddress, config.adminPort, sources),
  onStop: () => {},
};
