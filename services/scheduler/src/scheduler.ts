import type { Bus } from '@spawner/bus';
import type { Clock } from '@spawner/domain';
import { type Implementation, type RpcServer, serveRpc } from '@spawner/rpc';
import type { Log } from '@spawner/service';
import type { Keys, Redis, StoreEpoch } from '@spawner/store';
import { Announcements } from './backends/announcements.ts';
import { Backends } from './backends/backends.ts';
import { ConnectionTokens } from './backends/connection-tokens.ts';
import { Explanations } from './explain/explanations.ts';
import { Leases } from './leases/leases.ts';
import { Nodes } from './leases/nodes.ts';
import { Suspensions } from './leases/suspensions.ts';
import { sweep } from './leases/sweep.ts';
import type { Metrics } from './metrics.ts';
import type { Agents } from './placement/agents.ts';
import type { Claims } from './placement/claims.ts';
import { Placements } from './placement/placements.ts';
import { schedulerService } from './server.ts';
import { Spawns } from './spawn/spawns.ts';
import { BackendStore } from './store/backend-store.ts';
import { NodeStore } from './store/node-store.ts';
import type { Replication } from './store/replication.ts';

export interface SchedulerParts {
  readonly redis: Redis;
  readonly keys: Keys;
  readonly epoch: StoreEpoch;
  readonly replication: Replication;
  readonly bus: Pick<Bus, 'publish'>;
  readonly agents: Agents;
  readonly claims: Claims;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Takes a registration with the inventory of the largest drone. */
const LARGEST_MESSAGE = 64 * 1024 * 1024;

/** The scheduler put together, without the connections that it is given. It has no state of its own. */
export class Scheduler {
  readonly service: Implementation;
  /** A test may replace a method, to interrupt the scheduler between two steps. */
  readonly stores: { readonly backends: BackendStore; readonly nodes: NodeStore };
  readonly #log: Log;
  readonly #sweep: () => Promise<void>;

  constructor({ redis, keys, epoch, replication, bus, agents, claims, clock, log, metrics }: SchedulerParts) {
    const nodes = new NodeStore({ redis, keys, epoch });
    const store = new BackendStore({ redis, keys, epoch, replication });
    this.stores = { backends: store, nodes };
    const announcements = new Announcements(store, bus);
    const backends = new Backends({ store, nodes, agents, log });
    const placements = new Placements({ store, agents, claims, announcements, clock, log });
    const leases = new Leases({ store, nodes, announcements, clock, log });
    const suspensions = new Suspensions(epoch, metrics);
    const tokens = new ConnectionTokens({ redis, keys, epoch, store, clock });
    const members = new Nodes({ store, nodes, announcements, claims, clock, log, metrics });
    this.service = schedulerService({
      ...{ backends, leases, suspensions, tokens, nodes: members },
      spawns: new Spawns({ store, nodes, placements, backends, clock, metrics }),
      explanations: new Explanations({ store, nodes, agents, clock, log }),
    });
    const due = { store, nodes, placements, leases, suspensions, tokens, members };
    this.#sweep = () => sweep(due, log);
    this.#log = log;
  }

  /** To be called about once a second: advances the cluster clock and handles what is due. */
  sweep(): Promise<void> {
    return this.#sweep();
  }

  serve(at: { address: string; port: number }): Promise<RpcServer> {
    return serveRpc({ ...at, log: this.#log, services: [this.service], maxMessageBytes: LARGEST_MESSAGE });
  }
}
