import type { Bus } from '@spawner/bus';
import type { Clock } from '@spawner/domain';
import type { Log } from '@spawner/service';
import type { Keys, Redis, StoreEpoch } from '@spawner/store';
import type { Announce } from './backends/announcements.ts';
import type { Backends } from './backends/backends.ts';
import type { Leases } from './leases/leases.ts';
import type { Nodes } from './leases/nodes.ts';
import type { Metrics } from './metrics.ts';
import type { Agents } from './placement/agents.ts';
import type { Claims } from './placement/claims.ts';
import type { Placements } from './placement/placements.ts';
import type { BackendStore } from './store/backend-store.ts';
import type { NodeStore } from './store/node-store.ts';
import type { Replication } from './store/replication.ts';
import type { SuspensionStore } from './store/suspension-store.ts';
import type { TokenStore } from './store/token-store.ts';

/** The connections and settings that a scheduler is given. */
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

/** Everything that a scheduler is made of. Each part picks those that it needs. */
export interface Parts extends SchedulerParts {
  readonly store: BackendStore;
  readonly nodes: NodeStore;
  readonly suspensions: SuspensionStore;
  readonly tokens: TokenStore;
  readonly announce: Announce;
  readonly backends: Backends;
  readonly placements: Placements;
  readonly leases: Leases;
  readonly members: Nodes;
}
