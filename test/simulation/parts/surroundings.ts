import type { ProcessIdentity } from '@spawner/service';
import type { ProcessStatus } from '../../../services/agent/src/idle/process-status.ts';
import type { BusServer } from '../links/bus-link.ts';
import type { RpcLinks } from '../links/rpc-link.ts';
import type { StoreServer } from '../links/store-link.ts';
import type { Network } from '../world/network.ts';
import type { World } from '../world/world.ts';

/** Everything that the processes of the simulated cluster share. */
export interface Surroundings {
  readonly world: World;
  readonly network: Network;
  readonly rpc: RpcLinks;
  readonly bus: BusServer;
  readonly store: StoreServer;
  /** Names of the schedulers, to be called at. */
  readonly schedulers: readonly string[];
  /** The status of a process, as an agent on this drone's machine sees it. */
  fate(drone: string, one: ProcessIdentity): ProcessStatus;
}

/** The name of the one cluster there is. */
export const CLUSTER = 'simulated';
