import { Membership } from '@spawner/cluster';
import type { StartBackendRequest } from '@spawner/proto/internal/agent_service';
import { Node, NodeKind } from '@spawner/proto/internal/node';
import { SchedulerServiceService } from '@spawner/proto/internal/scheduler_service';
import type { CallContext, Implementation } from '@spawner/rpc';
import { Agent } from '../../../services/agent/src/agent.ts';
import type { Metrics } from '../../../services/agent/src/metrics.ts';
import { Engine, type EngineWatch } from '../engine/engine.ts';
import { EngineRuntime } from '../engine/engine-runtime.ts';
import { MemoryFiles } from '../engine/memory-files.ts';
import { busOf } from '../links/bus-link.ts';
import { Machine } from '../world/machine.ts';
import { Process } from '../world/process.ts';
import { CLUSTER, type Surroundings } from './surroundings.ts';
import { WatchedStarts } from './watched-starts.ts';

/** So few that starts wait for each other. */
const STARTS_AT_ONCE = 1;
const nothing = () => {};
const UNCOUNTED: Metrics = {
  started: nothing,
  ended: nothing,
  pulled: nothing,
  queued: nothing,
  networked: nothing,
  created: nothing,
  launched: nothing,
  answered: nothing,
  settled: nothing,
};

/** One drone: a machine with a disk and an engine that stay, and one agent after another. */
export class SimulatedDrone {
  readonly name: string;
  readonly engine: Engine;
  readonly machine: Machine;
  agent: Agent | undefined;
  process: Process | undefined;
  /** Every id that its agents were handed to start. */
  readonly handed = new Set<string>();
  /** When the present agent started, and how old its lease was then. */
  began = { at: 0, leaseAge: 0 };
  /** True time of its loss. */
  burntAt = 0;
  readonly #around: Surroundings;
  readonly #files = new MemoryFiles();
  readonly #subnet: string;
  #boots = 1;

  constructor(name: string, subnet: string, around: Surroundings, watch: EngineWatch) {
    this.name = name;
    this.#around = around;
    this.machine = new Machine(name, around.world);
    this.#subnet = subnet;
    this.engine = new Engine(name, around.world, watch);
  }

  /** As services/agent/src/main.ts does it. */
  start(): void {
    if (this.engine.gone) return;
    const { world, rpc, bus: busServer, schedulers } = this.#around;
    const process = new Process(this.name, this.machine, world);
    world.note('start', this.name);
    this.began = { at: world.now, leaseAge: this.leaseAge() };
    const parts = { engine: this.engine, agent: process, subnet: this.#subnet, state: this.#files };
    const runtime = new EngineRuntime(parts);
    const { clock, log } = process;
    const agent = new Agent(process, {
      droneId: this.name,
      cluster: CLUSTER,
      state: this.#files,
      boot: `boot ${this.#boots}`,
      clock,
      runtime,
      log,
      starts: new WatchedStarts(world, { atOnce: STARTS_AT_ONCE, clock }),
      metrics: { ...UNCOUNTED, queued: (seconds) => seconds > 0 && world.count('starts-queued') },
      attempt: runtime.attempt,
      random: world.random.next,
      processStatus: (one) => this.#around.fate(this.name, one),
    });
    this.agent = agent;
    this.process = process;
    rpc.serve(process, this.#noting(agent.service));
    const scheduler = rpc.client(SchedulerServiceService, process, schedulers);
    const node = Node.fromPartial({
      kind: NodeKind.DRONE,
      id: this.name,
      region: 'local',
      rpcAddress: this.name,
      runtime: runtime.kind,
      cpuMillis: 4_000,
      memoryBytes: 4_000_000_000,
      backends: 12,
    });
    const membership = new Membership(scheduler, agent.member(node), clock, log);
    agent.join(membership);
    agent.connectBus(busOf(process, busServer), scheduler);
  }

  /** Milliseconds of its own clock since the send of the last answered renewal, as its disk tells it. */
  leaseAge(): number {
    const { renewedAt } = JSON.parse(this.#files.read('lease.json') ?? '{}') as { renewedAt?: number };
    return renewedAt === undefined
      ? Number.POSITIVE_INFINITY
      : this.machine.now(this.#around.world) - renewedAt;
  }

  /** The holders that its agents have marked as taken. */
  markedHolders(): string[] {
    return this.#files.below('sandboxes').names();
  }

  /** Its machine reboots. The engine keeps the containers, whose programs have ended. */
  reboot(): void {
    const { world } = this.#around;
    world.note('reboots', this.name);
    world.count('reboots');
    this.crash();
    this.engine.reboot();
    this.#boots++;
  }

  /** The drone burns down, with its disk and everything that it runs. */
  burn(): void {
    this.#around.world.note('burns', this.name);
    this.burntAt = this.#around.world.now;
    this.crash();
    this.engine.burn();
  }

  #noting(service: Implementation): Implementation {
    const { startBackend } = service.handlers;
    if (!startBackend) throw new Error('an agent starts no backends any more');
    const noted = (request: StartBackendRequest, context: CallContext) => {
      this.handed.add(request.id);
      return startBackend(request as never, context);
    };
    return { ...service, handlers: { ...service.handlers, startBackend: noted } };
  }

  crash(): void {
    this.process?.crash();
    this.process = undefined;
    this.agent = undefined;
  }
}
