import { Membership } from '@spawner/cluster';
import { DEADLINES } from '@spawner/domain';
import { AgentServiceService } from '@spawner/proto/internal/agent_service';
import type { Endpoint } from '@spawner/proto/internal/backend_status';
import { Node, NodeKind } from '@spawner/proto/internal/node';
import { SchedulerServiceService } from '@spawner/proto/internal/scheduler_service';
import type { ProcessIdentity } from '@spawner/service';
import { RouteTable } from '@spawner/store';
import { untilNoneMissing } from '../../../services/proxy/src/cluster/join.ts';
import { Edge } from '../../../services/proxy/src/edge/edge.ts';
import type { ActiveRequest } from '../../../services/proxy/src/routing/active-requests.ts';
import type { RouteOutcome } from '../../../services/proxy/src/routing/router.ts';
import type { Asked } from '../checks/availability.ts';
import type { Container } from '../engine/container.ts';
import { busOf } from '../links/bus-link.ts';
import { storeOf } from '../links/store-link.ts';
import { Machine } from '../world/machine.ts';
import { Process } from '../world/process.ts';
import { KEYS } from './scheduler.ts';
import { CLUSTER, type Surroundings } from './surroundings.ts';

/** A user's request to a backend. */
export interface UserRequest {
  readonly backendId: string;
  readonly upgrade: boolean;
  readonly navigation: boolean;
  /** How long the request lasts once it has reached the program, in true milliseconds. */
  readonly lastsMs: number;
  readonly signal: AbortSignal;
}

/** Watches everything that a proxy forwards or answers. */
export interface ProxyWatch {
  routeChanged(proxy: SimulatedProxy, id: string, epoch: number | undefined): void;
  /** A request comes. The result goes with the request. */
  asked(id: string): Asked;
  answered(proxy: SimulatedProxy, id: string, outcome: RouteOutcome, asked: Asked): void;
  /** A request was let through, and no program answered the connection. */
  unreached(proxy: SimulatedProxy, id: string, asked: Asked): void;
  reached(proxy: SimulatedProxy, id: string, container: Container): void;
}

/** Finds the program at an address, wherever it runs. */
export type Dial = (endpoint: Endpoint) => { container: Container; drone: string } | undefined;

interface Open {
  readonly upgrade: boolean;
  end(): void;
}

const CONNECT_MS = 5_000;
const NEVER = new AbortController().signal;

/** A proxy without sockets: the deciding half that the service runs, with exchanges in the place of connections. */
export class SimulatedProxy {
  readonly name: string;
  readonly machine: Machine;
  process: Process | undefined;
  routes: RouteTable | undefined;
  /** Absent while it does not serve. */
  edge: Edge | undefined;
  waiting = 0;
  /** Called with every backend that an agent has asked this proxy about. */
  onQuestion: (id: string) => void = () => {};
  readonly #around: Surroundings;
  readonly #watch: ProxyWatch;
  readonly #dial: Dial;
  readonly #keepsName: boolean;
  readonly #beside: string;
  #open = new Map<string, Set<Open>>();
  readonly #connectedSince = new Map<string, number>();
  #lives = 0;

  /** Its process runs on the machine of the drone `beside`, whose agent can see whether it lives. */
  constructor(
    name: string,
    around: Surroundings,
    watch: ProxyWatch,
    dial: Dial,
    keepsName: boolean,
    beside: string,
  ) {
    this.name = name;
    this.#beside = beside;
    this.#around = around;
    this.#watch = watch;
    this.#dial = dial;
    this.#keepsName = keepsName;
    this.machine = new Machine(name, around.world);
  }

  /** As services/proxy/src/main.ts does it. */
  start(): void {
    void this.#start();
  }

  crash(): void {
    this.process?.crash();
    this.process = undefined;
    this.edge = undefined;
    this.routes = undefined;
    this.waiting = 0;
    const open = [...this.#open.values()].flatMap((exchanges) => [...exchanges]);
    this.#open = new Map();
    for (const exchange of open) exchange.end();
  }

  /** True time since which the kernel beside a backend sees connections of this proxy; undefined if there are none. */
  connectedSince(id: string): number | undefined {
    return this.#open.get(id)?.size ? this.#connectedSince.get(id) : undefined;
  }

  /** As the scheduler knows it, in its present life. */
  get id(): string {
    return this.#keepsName ? this.name : `${this.name}-${this.#lives}`;
  }

  /** The identity of its present or last life. */
  get identity(): ProcessIdentity {
    const [pid, startTicks] = [this.#lives, this.#lives];
    return { bootId: this.#beside, pidNamespace: 1, timeNamespace: 1, pid, startTicks };
  }

  /** Resolves with the outcome for the user; with undefined if the proxy does not serve. */
  async request({
    backendId: id,
    upgrade,
    navigation,
    lastsMs,
    signal,
  }: UserRequest): Promise<RouteOutcome | undefined> {
    const { edge, process } = this;
    if (!edge || !process) return undefined;
    this.waiting++;
    const asked = this.#watch.asked(id);
    const outcome = await edge.router.route(id, { navigation, patienceMs: undefined }, signal);
    this.waiting--;
    this.#watch.answered(this, id, outcome, asked);
    if (outcome.kind !== 'forward') return outcome;
    const container = await this.#connect(process, outcome.endpoint);
    if (container) this.#exchange(process, outcome.active, container, { id, upgrade, lastsMs });
    else {
      this.#watch.unreached(this, id, asked);
      outcome.active.neverReached();
      edge.look(id);
    }
    return outcome;
  }

  async #start(): Promise<void> {
    const { world, rpc, bus: busServer, store, schedulers } = this.#around;
    const process = new Process(this.name, this.machine, world);
    this.process = process;
    world.note('start', this.name);
    const { clock, log } = process;
    this.#lives++;
    const { id, identity } = this;
    const redis = storeOf(process, store);
    const bus = busOf(process, busServer, (question) => this.onQuestion((question as { id: string }).id));
    const scheduler = rpc.client(SchedulerServiceService, process, schedulers);
    const node = Node.fromPartial({ kind: NodeKind.PROXY, id, region: 'local', process: identity });
    const membership = new Membership(scheduler, { node }, clock, log);
    const routes = new RouteTable(world.random.next);
    const options = {
      id,
      droneId: '',
      holdTimeoutMs: 15_000,
      heldPerBackend: 100,
      heldTotal: 1_000,
      routesTrustedMs: DEADLINES.routesTrusted,
    };
    const edge = new Edge(options, {
      routes,
      bus,
      scheduler,
      agents: {
        verify: (address, question) =>
          rpc
            .client(AgentServiceService, process, [address])
            .verifyBackend({ ...question, cluster: CLUSTER, proxyId: id }, { timeoutMs: DEADLINES.verify }),
      },
      clock,
      log,
      process: identity,
      registration: () => membership.registration,
      sessions: {
        rest: () => {},
        goodbye: (backend) => this.#endAll(backend, (exchange) => exchange.upgrade),
        cut: (backend) => this.#endAll(backend, () => true),
        forget: () => {},
      },
    });
    process.every('membership', 500, (signal) => membership.run(signal));
    await untilNoneMissing([() => membership.waitingFor()], clock, NEVER);
    this.routes = routes;
    routes.onChange((backend, route) => this.#watch.routeChanged(this, backend, route?.epoch));
    process.every('routes', 500, (signal) => routes.follow(redis, KEYS, clock, log, signal));
    await untilNoneMissing([() => (routes.loaded ? undefined : 'the routes')], clock, NEVER);
    this.edge = edge;
    world.note('serves', this.name);
  }

  async #connect(process: Process, endpoint: Endpoint): Promise<Container | undefined> {
    const { world, network } = this.#around;
    return new Promise((resolve) => {
      const found = this.#dial(endpoint);
      const reachable = !found || network.reaches(this.name, found.drone);
      world.after(
        reachable ? world.random.between(0.2, 2) : process.machine.trueTime(CONNECT_MS),
        () => {
          const there = reachable ? this.#dial(endpoint)?.container : undefined;
          resolve(there && there.answersAt <= world.now ? there : undefined);
        },
        process,
      );
    });
  }

  #exchange(
    process: Process,
    exchange: ActiveRequest,
    container: Container,
    { id, upgrade, lastsMs }: { id: string; upgrade: boolean; lastsMs: number },
  ): void {
    const { world } = this.#around;
    this.#watch.reached(this, id, container);
    exchange.reached(upgrade, '/');
    const exchanges = this.#open.get(id) ?? new Set();
    if (exchanges.size === 0) this.#connectedSince.set(id, world.now);
    let over = false;
    const open: Open = {
      upgrade,
      end: () => {
        if (over) return;
        over = true;
        container.connections.delete(connection);
        container.usedAt = world.now;
        exchanges.delete(open);
        exchange.end(process.clock.now());
      },
    };
    const connection = { broken: () => open.end() };
    container.connections.add(connection);
    container.usedAt = world.now;
    world.count(upgrade ? 'upgrades-reached' : 'requests-reached');
    this.#open.set(id, exchanges.add(open));
    world.after(lastsMs, open.end, process);
  }

  #endAll(id: string, which: (exchange: Open) => boolean): void {
    for (const exchange of [...(this.#open.get(id) ?? [])]) if (which(exchange)) exchange.end();
  }
}
