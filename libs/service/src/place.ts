import { type AdminSources, serveAdmin } from './admin.ts';
import type { SharedConfig } from './config.ts';

/** How the world asks a process how it is, and tells it to stop. A process that another one looks after has a place of its own. */
export interface Place {
  /** In every line of its log. */
  readonly logFields: Readonly<Record<string, string>>;
  serveAdmin(config: SharedConfig, sources: AdminSources): Promise<{ close(): Promise<void> | void }>;
  /** Calls back with the cause when the process is to stop, besides at SIGTERM and SIGINT; more than one call is one. */
  onStop(stop: (cause: string) => void): void;
}

/** On a machine, by itself: an admin port and signals. */
export const OWN_PLACE: Place = {
  logFields: {},
  serveAdmin: (config, sources) => serveAdmin(config.adminBindAddress, config.adminPort, sources),
  onStop: () => {},
};
