/**
 * Drones without machines. They register with a real scheduler over gRPC, renew every two seconds, and report every backend READY
 * at once. One server answers for all of them.
 */
import { DEADLINES, STATES } from '@spawner/domain';
import type { StartBackendRequest } from '@spawner/proto/internal/agent_service';
import { type BackendStatus, SpecSummary } from '@spawner/proto/internal/backend_status';
import { Node, NodeKind } from '@spawner/proto/internal/node';
import { RenewVerdict, SchedulerServiceService } from '@spawner/proto/internal/scheduler_service';
import { BackendState, EndReason } from '@spawner/proto/v1/backend';
import { createClient, type RpcClient, type RpcServer, serveRpc } from '@spawner/rpc';
import type { Log } from '@spawner/service';
import { benchAgent } from './bench-agent.ts';

const CALL_MS = 30_000;
/** The states that an agent reports up to READY. */
const LIFE = [BackendState.LOADING, BackendState.STARTING, BackendState.WAITING, BackendState.READY];

interface SimulatedDrone {
  readonly node: Node;
  registration: number;
  /** It is between two registrations, so renewals of the old one are refused. */
  entering: boolean;
  readonly backends: Map<string, { request: StartBackendRequest; status: BackendStatus }>;
  changed: BackendStatus[];
}

export class SimulatedDrones implements AsyncDisposable {
  readonly #drones: SimulatedDrone[] = [];
  readonly #byRegistration = new Map<number, SimulatedDrone>();
  readonly #scheduler: RpcClient<typeof SchedulerServiceService>;
  readonly #server: RpcServer;
  readonly #stop = new AbortController();
  #renewing: Promise<unknown> = Promise.resolve();
  /** The milliseconds of each renewal. */
  renewals: number[] = [];

  static async open(schedulerAddress: string, log: Log): Promise<SimulatedDrones> {
    let taken: (request: StartBackendRequest) => void = () => {};
    const service = benchAgent((request) => taken(request));
    const server = await serveRpc({ address: '127.0.0.1', port: 0, log, services: [service] });
    const drones = new SimulatedDrones(schedulerAddress, server);
    taken = (request) => drones.#take(request);
    return drones;
  }

  private constructor(schedulerAddress: string, server: RpcServer) {
    this.#scheduler = createClient(SchedulerServiceService, schedulerAddress);
    this.#server = server;
  }

  /** The number of backends whose READY the scheduler has acknowledged. */
  get settled(): number {
    return this.#drones.reduce((sum, { backends, changed }) => sum + backends.size - changed.length, 0);
  }

  /** Registers `count` more drones, each with room for `capacity` backends. */
  async register(count: number, capacity: number): Promise<void> {
    const first = this.#drones.length;
    const begun = Array.from({ length: count }, (_, index) => this.#registerOne(first + index, capacity));
    await Promise.all(begun);
  }

  /** Registers every drone again with all its backends, as after a total loss of the store. */
  async registerAgain(): Promise<void> {
    await Promise.all(this.#drones.map((drone) => this.#enter(drone)));
  }

  /** Starts to renew every drone every two seconds, evenly spread over them. */
  beginRenewing(): void {
    const loops = this.#drones.map((drone, index) =>
      this.#renewOften(drone, (index / this.#drones.length) * DEADLINES.renewEvery),
    );
    this.#renewing = Promise.all(loops);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error('the benchmark is over'));
    await this.#renewing;
    this.#scheduler.close();
    await this.#server.close();
  }

  async #registerOne(index: number, capacity: number): Promise<void> {
    const node = Node.fromPartial({
      kind: NodeKind.DRONE,
      id: `drone-${index}`,
      region: 'eu-central',
      rpcAddress: `127.0.0.1:${this.#server.port}`,
      runtime: 'docker',
      cpuMillis: 1000 * capacity,
      memoryBytes: 2 ** 30 * capacity,
      backends: capacity,
    });
    const drone = { node, registration: 0, entering: true, backends: new Map(), changed: [] };
    this.#drones.push(drone);
    await this.#enter(drone);
  }

  async #enter(drone: SimulatedDrone): Promise<void> {
    drone.entering = true;
    const inventory = [...drone.backends.values()].map(({ request, status }) => ({
      status,
      spec: SpecSummary.fromPartial({
        ...request.spec,
        ...request.spec?.resources,
        digest: Buffer.alloc(32),
      }),
      createTime: request.createTime,
      placement: request.placement,
      key: request.key,
    }));
    this.#byRegistration.delete(drone.registration);
    const { node } = drone;
    const answer = await this.#scheduler.registerNode(
      { node, inventory, highestPlacement: 0 },
      { timeoutMs: CALL_MS },
    );
    drone.registration = answer.registration;
    drone.entering = false;
    this.#byRegistration.set(answer.registration, drone);
  }

  /** Accepts a backend and queues reports of every state up to READY. */
  #take(request: StartBackendRequest): void {
    const drone = this.#byRegistration.get(request.registration);
    if (!drone || drone.backends.has(request.id)) return;
    const status = readyStatus(request.id, drone.backends.size);
    drone.backends.set(request.id, { request, status });
    drone.changed.push(status);
  }

  async #renewOften(drone: SimulatedDrone, offsetMs: number): Promise<void> {
    const { signal } = this.#stop;
    await pause(offsetMs, signal);
    while (!signal.aborted) {
      const began = performance.now();
      const changed = drone.changed.slice(0, 500);
      try {
        await this.#renew(drone, changed);
        this.renewals.push(performance.now() - began);
      } catch (error) {
        if (!signal.aborted) console.error(`a renewal failed: ${String(error)}`);
      }
      const more = drone.changed.length > 0;
      await pause(more ? 0 : DEADLINES.renewEvery - (performance.now() - began), signal);
    }
  }

  async #renew(drone: SimulatedDrone, changed: BackendStatus[]): Promise<void> {
    const { kind, id } = drone.node;
    const { registration } = drone;
    const answer = await this.#scheduler.renewNode(
      { kind, id, registration, changed, proxiesVersion: 0 },
      { timeoutMs: CALL_MS },
    );
    const replaced = drone.entering || drone.registration !== registration;
    if (answer.verdict !== RenewVerdict.GRANTED && replaced) return;
    if (answer.verdict !== RenewVerdict.GRANTED) throw new Error(`the renewal of ${id} was refused`);
    drone.changed = drone.changed.slice(changed.length);
  }
}

/** An agent's report of a backend that has just become READY. */
function readyStatus(id: string, index: number): BackendStatus {
  const time = new Date();
  const events = [STATES.SCHEDULED, ...LIFE].map((state, step) => ({
    state: state as BackendState,
    revision: step + 1,
    time: new Date(time.getTime() - (LIFE.length - step) * 123),
  }));
  return {
    id,
    state: BackendState.READY,
    revision: events.length,
    local: { host: `10.213.${index >> 8}.${index & 255}`, port: 8080 },
    network: undefined,
    readyTime: time,
    endTime: undefined,
    endReason: EndReason.UNSPECIFIED,
    endDetail: '',
    exitCode: undefined,
    outOfMemory: false,
    lastLogs: [],
    events,
  };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, Math.max(0, ms));
    signal.addEventListener('abort', done);
  });
}
