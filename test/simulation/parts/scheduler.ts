import { AgentServiceService } from '@spawner/proto/internal/agent_service';
import { keysOf, StoreEpoch } from '@spawner/store';
import { createMetrics } from '../../../services/scheduler/src/metrics.ts';
import { agentClients } from '../../../services/scheduler/src/placement/agents.ts';
import { Claims } from '../../../services/scheduler/src/placement/claims.ts';
import { Scheduler } from '../../../services/scheduler/src/scheduler.ts';
import { Replication } from '../../../services/scheduler/src/store/replication.ts';
import { busOf } from '../links/bus-link.ts';
import { storeOf } from '../links/store-link.ts';
import { Machine } from '../world/machine.ts';
import { Process } from '../world/process.ts';
import type { Surroundings } from './surroundings.ts';

export const KEYS = keysOf('simulated');
/** Placements are signed, as in a cluster that has a secret. */
const SECRET = 'simulated'.repeat(4);

/** One scheduler after another on a machine; it keeps nothing. */
export class SimulatedScheduler {
  readonly name: string;
  readonly machine: Machine;
  process: Process | undefined;
  readonly #around: Surroundings;
  /** Its first life makes the cluster; a later one that finds an empty store has lost one. */
  #emptyStore: 'new' | 'wait' = 'new';

  constructor(name: string, around: Surroundings) {
    this.name = name;
    this.#around = around;
    this.machine = new Machine(name, around.world);
  }

  start(): void {
    const { world, rpc, bus: busServer, store } = this.#around;
    const process = new Process(this.name, this.machine, world);
    this.process = process;
    world.note('start', this.name);
    const { clock, log } = process;
    const redis = storeOf(process, store);
    const bus = busOf(process, busServer);
    const agents = agentClients((address) => rpc.client(AgentServiceService, process, [address]));
    const epoch = new StoreEpoch({ redis, keys: KEYS, log, emptyStore: this.#emptyStore });
    this.#emptyStore = 'wait';
    const claims = new Claims('simulated', [SECRET]);
    const replication = new Replication(redis, epoch, 0);
    const parts = { redis, keys: KEYS, epoch, replication, bus, agents, claims, clock, log };
    const scheduler = new Scheduler({ ...parts, metrics: createMetrics() });
    process.every('sweep', 1_000, () => scheduler.sweep());
    rpc.serve(process, scheduler.service);
  }

  crash(): void {
    this.process?.crash();
    this.process = undefined;
  }
}
