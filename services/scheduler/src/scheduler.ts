import { type Implementation, type RpcServer, serveRpc } from '@spawner/rpc';
import type { Log } from '@spawner/service';
import { announcer } from './backends/announcements.ts';
import { Backends } from './backends/backends.ts';
import { Leases } from './leases/leases.ts';
import { Nodes } from './leases/nodes.ts';
import { sweep } from './leases/sweep.ts';
import type { SchedulerParts } from './parts.ts';
import { Placements } from './placement/placements.ts';
import { schedulerService } from './server.ts';
import { BackendStore } from './store/backend-store.ts';
import { NodeStore } from './store/node-store.ts';
import { SuspensionStore } from './store/suspension-store.ts';
import { TokenStore } from './store/token-store.ts';

/** Takes a registration with the inventory of the largest drone. */
const LARGEST_MESSAGE = 64 * 1024 * 1024;

/** The scheduler put together, without the connections that it is given. It has no state of its own. */
export class Scheduler {
  readonly service: Implementation;
  /** A test may replace a method, to interrupt the scheduler between two steps. */
  readonly stores: { readonly backends: BackendStore; readonly nodes: NodeStore };
  readonly #log: Log;
  readonly #sweep: () => Promise<void>;

  constructor(given: SchedulerParts) {
    const store = new BackendStore(given);
    const nodes = new NodeStore(given);
    const suspensions = new SuspensionStore(given);
    const tokens = new TokenStore({ ...given, store });
    const announce = announcer({ ...given, store });
    const stored = { ...given, store, nodes, suspensions, tokens, announce };
    const backends = new Backends(stored);
    const placements = new Placements(stored);
    const leases = new Leases(stored);
    const members = new Nodes(stored);
    const parts = { ...stored, backends, placements, leases, members };
    this.stores = { backends: store, nodes };
    this.service = schedulerService(parts);
    this.#sweep = () => sweep(parts);
    this.#log = given.log;
  }

  /** To be called about once a second: advances the cluster clock and handles what is due. */
  sweep(): Promise<void> {
    return this.#sweep();
  }

  serve(at: { address: string; port: number }): Promise<RpcServer> {
    return serveRpc({ ...at, log: this.#log, services: [this.service], maxMessageBytes: LARGEST_MESSAGE });
  }
}
