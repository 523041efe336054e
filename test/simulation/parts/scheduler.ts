import { AgentServiceService } from '@spawner/proto/internal/agent_service';
import { keysOf, StoreEpoch } from '@spawner/store';
import { Explanations } from '../../../services/scheduler/src/explain/explanations.ts';
import { Leases } from '../../../services/scheduler/src/leases/leases.ts';
import { Nodes } from '../../../services/scheduler/src/leases/nodes.ts';
import { Suspensions } from '../../../services/scheduler/src/leases/suspensions.ts';
import { sweep } from '../../../services/scheduler/src/leases/sweep.ts';
import { schedulerService } from '../../../services/scheduler/src/server.ts';
import { agentClients } from '../../../services/scheduler/src/spawn/agents.ts';
import { Backends } from '../../../services/scheduler/src/spawn/backends.ts';
import { Claims } from '../../../services/scheduler/src/spawn/claim.ts';
import { ConnectionTokens } from '../../../services/scheduler/src/spawn/connection-tokens.ts';
import { BackendStore } from '../../../services/scheduler/src/store/backend-store.ts';
import { NodeStore } from '../../../services/scheduler/src/store/node-store.ts';
import { Replication } from '../../../services/scheduler/src/store/replication.ts';
import { busOf } from '../links/bus-link.ts';
import { storeOf } from '../links/store-link.ts';
import { Machine } from '../world/machine.ts';
import { Process, silent } from '../world/process.ts';
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

  /** As services/scheduler/src/main.ts does it. */
  start(): void {
    const { world, rpc, bus: busServer, store } = this.#around;
    const process = new Process(this.name, this.machine, world);
    this.process = process;
    world.note('start', this.name);
    const { clock } = process;
    const redis = storeOf(process, store);
    const bus = busOf(process, busServer);
    const agents = agentClients((address) => rpc.client(AgentServiceService, process, [address]));
    const epoch = new StoreEpoch({ redis, keys: KEYS, log: silent, emptyStore: this.#emptyStore });
    this.#emptyStore = 'wait';
    const claims = new Claims('simulated', [SECRET]);
    const nodeStore = new NodeStore(redis, KEYS, epoch);
    const backendStore = new BackendStore(redis, KEYS, epoch, new Replication(redis, epoch, 0));
    const backends = new Backends(backendStore, nodeStore, agents, claims, bus, clock, silent);
    const explanations = new Explanations(backendStore, nodeStore, agents, clock, silent);
    const nodes = new Nodes(nodeStore, backendStore, backends, claims, clock, silent);
    const suspensions = new Suspensions(epoch);
    const tokens = new ConnectionTokens(redis, KEYS, epoch, clock);
    const leases = new Leases(nodeStore, backendStore, backends, clock, silent);
    const parts = { nodeStore, backendStore, backends, explanations, nodes, leases, suspensions, tokens };
    process.every('sweep', 1_000, () => sweep(parts, silent));
    rpc.serve(process, schedulerService(parts));
  }

  crash(): void {
    this.process?.crash();
    this.process = undefined;
  }
}
