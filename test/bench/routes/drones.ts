/**
 * Drones without machines, with the agent's own membership (`@spawner/cluster`): every change of state is sent in an immediate
 * renewal. Their backends become READY by themselves, or at `ready`.
 */

import { Membership, schedulerAt } from '@spawner/cluster';
import { STATES, systemClock } from '@spawner/domain';
import type { BackendStatus } from '@spawner/proto/internal/backend_status';
import { Node, NodeKind } from '@spawner/proto/internal/node';
import { BackendState, EndReason } from '@spawner/proto/v1/backend';
import { type RpcServer, serveRpc } from '@spawner/rpc';
import type { Log } from '@spawner/service';
import { eventually } from '@spawner/testkit';
import { benchAgent } from '../control-plane/bench-agent.ts';

/** The states that an agent reports up to READY. */
const BEFORE_READY = [BackendState.LOADING, BackendState.STARTING, BackendState.WAITING];
const ROOM = 10_000;

interface BenchDrone {
  membership: Membership;
  server: RpcServer;
  running: Promise<void>;
  backends: Map<string, BackendStatus>;
  unheard: Map<string, BackendStatus>;
}

export interface DronesOptions {
  count: number;
  scheduler: string;
  /** The address of every backend. */
  endpoint: { host: string; port: number };
  log: Log;
}

export class Drones implements AsyncDisposable {
  readonly #drones: BenchDrone[] = [];
  readonly #options: DronesOptions;
  readonly #stop = new AbortController();
  /** Backends stay WAITING until `ready`. */
  #waits = false;

  static async start(options: DronesOptions): Promise<Drones> {
    const drones = new Drones(options);
    for (let index = 0; index < options.count; index++) await drones.#add(index);
    const registered = () => drones.#drones.every(({ membership }) => membership.registration > 0);
    await eventually(registered);
    return drones;
  }

  private constructor(options: DronesOptions) {
    this.#options = options;
  }

  /** Makes backends that are started from now on wait for `ready`. */
  holdBack(): void {
    this.#waits = true;
  }

  /** The number of reports without an acknowledgement. */
  get unheard(): number {
    return this.#drones.reduce((sum, { unheard }) => sum + unheard.size, 0);
  }

  /** Whether this backend waits for `ready`. */
  isWaiting(id: string): boolean {
    return this.#of(id)?.backends.get(id)?.state === BackendState.WAITING;
  }

  /** Makes it READY, which its drone reports at once. */
  ready(id: string): void {
    this.#enter(this.#of(id), id, BackendState.READY);
  }

  /** Ends it, which its drone reports at once. */
  end(id: string): void {
    const drone = this.#of(id);
    this.#enter(drone, id, BackendState.TERMINATED);
    drone?.backends.delete(id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error('the benchmark is over'));
    await Promise.all(this.#drones.map(({ running }) => running));
    for (const { membership } of this.#drones) membership.close();
    await Promise.all(this.#drones.map(({ server }) => server.close()));
  }

  #of(id: string): BenchDrone | undefined {
    return this.#drones.find(({ backends }) => backends.has(id));
  }

  async #add(index: number): Promise<void> {
    const { log, scheduler } = this.#options;
    const backends = new Map<string, BackendStatus>();
    const unheard = new Map<string, BackendStatus>();
    let taken: (id: string) => void = () => {};
    const service = benchAgent(({ id }) => taken(id));
    const server = await serveRpc({ address: '127.0.0.1', port: 0, log, services: [service] });
    const node = Node.fromPartial({
      kind: NodeKind.DRONE,
      id: `drone-${index}`,
      region: 'local',
      rpcAddress: `127.0.0.1:${server.port}`,
      runtime: 'docker',
      cpuMillis: 1_000 * ROOM,
      memoryBytes: 2 ** 30 * ROOM,
      backends: ROOM,
    });
    const member = {
      node,
      changed: () => [...unheard.values()],
      acknowledged: (reports: readonly BackendStatus[]) => {
        for (const { id, revision } of reports)
          if ((unheard.get(id)?.revision ?? 0) <= revision) unheard.delete(id);
      },
    };
    const membership = new Membership(schedulerAt(scheduler), member, systemClock, log);
    const running = membership.run(this.#stop.signal);
    const drone = { membership, server, running, backends, unheard };
    taken = (id) => {
      if (backends.has(id)) return;
      backends.set(id, this.#scheduled(id));
      for (const state of BEFORE_READY) this.#enter(drone, id, state);
      if (!this.#waits) this.#enter(drone, id, BackendState.READY);
    };
    this.#drones.push(drone);
  }

  #enter(drone: BenchDrone | undefined, id: string, state: BackendState): void {
    const before = drone?.backends.get(id);
    if (!drone || !before) throw new Error(`no drone has ${id}`);
    const revision = before.revision + 1;
    const time = new Date();
    const ended = state === BackendState.TERMINATED;
    const status: BackendStatus = {
      ...before,
      ...{ state, revision, events: [...before.events, { state, revision, time }] },
      readyTime: state === BackendState.READY ? time : before.readyTime,
      endTime: ended ? time : undefined,
      endReason: ended ? EndReason.EXITED : EndReason.UNSPECIFIED,
    };
    drone.backends.set(id, status);
    drone.unheard.set(id, status);
    drone.membership.kick();
  }

  #scheduled(id: string): BackendStatus {
    const { endpoint } = this.#options;
    return {
      id,
      state: STATES.SCHEDULED as BackendState,
      revision: 1,
      local: undefined,
      network: endpoint,
      readyTime: undefined,
      endTime: undefined,
      endReason: EndReason.UNSPECIFIED,
      endDetail: '',
      exitCode: undefined,
      outOfMemory: false,
      lastLogs: [],
      events: [{ state: STATES.SCHEDULED as BackendState, revision: 1, time: new Date() }],
    };
  }
}
