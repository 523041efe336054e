import type { Bus } from '@spawner/bus';
import type { SchedulerClient } from '@spawner/cluster';
import type { Clock } from '@spawner/domain';
import type { Replica } from '@spawner/store';
import type { StateFiles } from '../../../services/agent/src/state/state-dir.ts';

/** A text of a module of the services or libraries becomes another, before anything has loaded it. */
export interface ChangedModule {
  /** From the root of the repository. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** Parts that a world takes in the place of its own. None, unless somebody wants to see a fault be caught. */
export interface ChangedParts {
  /** The store's scripts, as they are loaded. */
  script?(source: string): string;
  agentBus?(bus: Bus): Bus;
  agentFiles?(files: StateFiles, clock: Clock): StateFiles;
  agentScheduler?(scheduler: SchedulerClient): SchedulerClient;
  replica?: typeof Replica;
  modules?: readonly ChangedModule[];
}
