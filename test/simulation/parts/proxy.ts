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
import type { Forward } from '../../../services/proxy/src/edge/request.ts';
import { TokenSessions } from '../../../services/proxy/src/tokens/token-sessions.ts';
import type { Asked } from '../checks/availability.ts';
import type { Container } from '../engine/container.ts';
import { busOf } from '../links/bus-link.ts';
import { storeOf } from '../links/store-link.ts';
import { Machine } from '../world/machine.ts';
import { Process } from '../world/process.ts';
import { type Asks, type EdgeOutcome, outcomeOf } from './edge-request.ts';
import { Exchanges } from './exchanges.ts';
import { KEYS } from './scheduler.ts';
import { CLUSTER, type Surroundings } from './surroundings.ts';

/** A user's request to a backend. */
export interface UserRequest extends Asks {
  /** How long the request lasts once it has reached the program, in true milliseconds. */
  readonly lastsMs: number;
}

/** Watches everything that a proxy forwards or answers. */
export interface ProxyWatch {
  routeChanged(proxy: SimulatedProxy, id: string, epoch: number | undefined): void;
  /** A request comes, perhaps with a token. The result goes with the request. */
  asked(proxy: SimulatedProxy, id: string, token: string | undefined): Asked;
  answered(proxy: SimulatedProxy, id: string, outcome: EdgeOutcome, asked: Asked): void;
  /** A request was let through, and no program answered the connection. */
  unreached(proxy: SimulatedProxy, id: string, asked: Asked): void;
  reached(proxy: SimulatedProxy, id: string, container: Container): void;
}

/** Finds the program at an address, wherever it runs. */
export type Dial = (endpoint: Endpoint) => { container: Container; drone: string } | undefined;

const CONNECT_MS = 5_000;

/** A proxy without sockets: the deciding half that the service runs, with exchanges in the place of connections. */
export class SimulatedProxy {
  readonly name: string;
  readonly machine: Machine;
  process: Process | undefined;
  routes: RouteTable | undefined;
  members: Membership | undefined;
  /** Absent while it does not serve. */
  edge: Edge | undefined;
  waiting = 0;
  readonly exchanges: Exchanges;
  /** Called with every backend that an agent has asked this proxy about. */
  onQuestion: (id: string) => void = () => {};
  readonly #around: Surroundings;
  readonly #watch: ProxyWatch;
  readonly #dial: Dial;
  readonly #keepsName: boolean;
  readonly #beside: string;
  #tokens: TokenSessions | undefined;
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
    this.exchanges = new Exchanges(around.world);
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
    this.members = undefined;
    this.waiting = 0;
    this.exchanges.crash();
  }

  /** As the scheduler knows it, in its present life. */
  get id(): string {
    return this.#keepsName ? this.name : `${this.name}-${this.#lives}`;
  }

  /** Its public address in its present or last life. A new id comes with a new address. */
  get address(): string {
    return this.#addressAt(this.#lives);
  }

  /** The id with which it had this address; undefined if it never had it. */
  idAt(address: string): string | undefined {
    for (let life = this.#lives; life > 0; life--)
      if (this.#addressAt(life) === address) return this.#keepsName ? this.name : `${this.name}-${life}`;
    return undefined;
  }

  #addressAt(life: number): string {
    return `10.250.${this.name.slice(1)}.${this.#keepsName ? 0 : life}`;
  }

  /** The identity of its present or last life. */
  get identity(): ProcessIdentity {
    const [pid, startTicks] = [this.#lives, this.#lives];
    return { bootId: this.#beside, pidNamespace: 1, timeNamespace: 1, pid, startTicks };
  }

  /** Resolves with the outcome for the user; with undefined if the proxy does not serve. */
  async request(asks: UserRequest): Promise<EdgeOutcome | undefined> {
    const { edge, process, routes } = this;
    const tokens = this.#tokens;
    if (!edge || !process || !tokens || !routes) return undefined;
    const { backendId: id, credential } = asks;
    const { router, requests, stateEvents, queue } = edge;
    const look = (backend: string) => edge.reports.look(backend);
    this.waiting++;
    const asked = this.#watch.asked(this, id, credential?.token);
    const parts = { router, requests, stateEvents, queue, tokens, routes, clock: process.clock, look };
    const outcome = await outcomeOf(parts, asks);
    this.waiting--;
    this.#watch.answered(this, id, outcome, asked);
    if (outcome.kind === 'forward') await this.#forward(process, tokens, outcome, asks, asked);
    return outcome;
  }

  /** Connects to the program. A revocation of the request's token cuts it at any time. */
  async #forward(
    process: Process,
    tokens: TokenSessions,
    forward: Forward,
    { backendId: id, upgrade, lastsMs }: UserRequest,
    asked: Asked,
  ): Promise<void> {
    const { holder, active } = forward;
    let isRevoked = false;
    let cut = () => {
      isRevoked = true;
    };
    const over = holder ? tokens.keep(holder, () => cut()) : () => {};
    const container = await this.#connect(process, forward.endpoint);
    if (container && !isRevoked) {
      this.#watch.reached(this, id, container);
      const exchange = this.exchanges.begin(process, forward, container, { id, upgrade, lastsMs, over });
      cut = () => {
        this.#around.world.count('token-cuts');
        exchange.end();
      };
      return;
    }
    over();
    active.neverReached();
    if (container) return;
    this.#watch.unreached(this, id, asked);
    this.edge?.reports.look(id);
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
    const node = Node.fromPartial({
      kind: NodeKind.PROXY,
      id,
      region: 'local',
      process: identity,
      publicAddresses: [this.address],
    });
    const membership = new Membership(scheduler, { node }, clock, log);
    const routes = RouteTable.withTokens();
    const options = {
      id,
      cluster: CLUSTER,
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
        goodbye: (backend) => this.exchanges.endAll(backend, ({ upgrade }) => upgrade),
        cut: (backend) => this.exchanges.endAll(backend, () => true),
        forget: () => {},
      },
    });
    this.members = membership;
    process.every('membership', 500, (signal) => membership.run(signal));
    await untilNoneMissing([() => membership.waitingFor()], clock, process.never);
    this.routes = routes;
    const tokens = new TokenSessions({ routes, holds: edge.holds, clock });
    this.#tokens = tokens;
    routes.onChange((id, row) => {
      this.#watch.routeChanged(this, id, row?.epoch);
      tokens.rowChanged(row);
    });
    process.every('routes', 500, (signal) => routes.follow(redis, KEYS, clock, log, signal));
    await untilNoneMissing([() => (routes.loaded ? undefined : 'the routes')], clock, process.never);
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
}
