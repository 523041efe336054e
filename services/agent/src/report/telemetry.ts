import { type Bus, SUBJECTS } from '@spawner/bus';
import type { Clock } from '@spawner/domain';
import type { ActivityReport } from '@spawner/proto/internal/telemetry';
import { type Activity, BackendState } from '@spawner/proto/v1/backend';
import type { Log } from '@spawner/service';
import type { ProxyProcesses } from '../idle/proxy-processes.ts';
import { activityOf, reported } from '../idle/usage.ts';
import type { Backend } from '../lifecycle/backend.ts';
import type { Drone } from '../lifecycle/drone.ts';
import { hasEnded } from '../lifecycle/life.ts';
import { BusLog } from './bus-log.ts';
import { untilEnded } from './until-ended.ts';

export interface TelemetryParts {
  readonly bus: Bus;
  readonly drone: Drone;
  readonly droneId: string;
  readonly cluster: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly proxies: Pick<ProxyProcesses, 'learn'>;
  /** Whether the lines of programs are published too. */
  readonly logsOnBus: boolean;
}

const STATS_EVERY_MS = 5_000;

/** Publishes and receives telemetry over NATS. All of it may be lost. */
export class Telemetry {
  readonly #parts: TelemetryParts;
  readonly #lines: BusLog | undefined;
  /** Backends whose samples are followed, with the end of that. */
  readonly #sampled = new Map<string, AbortController>();
  /** Whether the last message said that no start waits. */
  #emptyTold = true;
  readonly #closing = new AbortController();
  readonly #subscriptions: { close(): void }[];

  /** `look` is called with the id of a backend to which a proxy could not connect. Objections are kept for the explanation. */
  constructor(parts: TelemetryParts, look: (id: string) => void) {
    this.#parts = parts;
    const { bus, drone, droneId } = parts;
    this.#subscriptions = [
      bus.subscribe(SUBJECTS.activity, droneId, (report) => this.#receive(report)),
      bus.subscribe(SUBJECTS.backendLook, undefined, ({ id, objection }) =>
        objection === '' ? look(id) : drone.find(id)?.notForwarded(objection),
      ),
    ];
    this.#lines = parts.logsOnBus ? new BusLog(parts, this.#closing.signal) : undefined;
    for (const backend of drone.living()) this.#attach(backend);
    drone.onChange((backend) => this.#attach(backend));
  }

  heartbeat(): void {
    const { bus, drone, droneId, cluster, clock } = this.#parts;
    const backends = drone.living().map((backend) => ({ id: backend.id, activity: this.#activity(backend) }));
    bus.publish(SUBJECTS.droneHeartbeat, droneId, { droneId, cluster, time: clock.wall(), backends });
  }

  /** Tells the order of the starts that wait and the progress of pulls, and once that there are none any more. */
  queue(): void {
    const { bus, drone, droneId, cluster } = this.#parts;
    const waiting = drone.starts.order();
    const pulling = drone.pulling();
    const isEmpty = waiting.length === 0 && pulling.length === 0;
    if (isEmpty && this.#emptyTold) return;
    bus.publish(SUBJECTS.droneQueue, droneId, { droneId, cluster, waiting, pulling });
    this.#emptyTold = isEmpty;
  }

  close(): void {
    for (const subscription of this.#subscriptions) subscription.close();
    this.#closing.abort(new Error('the agent is stopping'));
  }

  #activity({ life, usage }: Backend): Activity {
    if (life.status.state !== BackendState.READY) return { openConnections: 0, idleForMs: 0 };
    return activityOf(usage, life.terms.idleTimeoutMs, this.#parts.clock.now());
  }

  #receive({ proxyId, registration, process, backends }: ActivityReport): void {
    this.#parts.proxies.learn(proxyId, registration, process);
    for (const report of backends) {
      const backend = this.#parts.drone.find(report.id);
      if (!backend) continue;
      const { firstByteMs } = report;
      if (firstByteMs !== undefined) backend.firstByte(firstByteMs);
      backend.usage = reported(backend.usage, proxyId, registration, report, this.#parts.clock.now());
    }
  }

  #attach(backend: Backend): void {
    const { id, life } = backend;
    this.#lines?.attach(backend);
    if (hasEnded(life)) {
      this.#sampled.get(id)?.abort(new Error('it has ended'));
      this.#sampled.delete(id);
      return;
    }
    // Sampling before READY would take the engine's time away from the start.
    if (life.status.state === BackendState.READY && !this.#sampled.has(id)) {
      const end = new AbortController();
      this.#sampled.set(id, end);
      const signal = AbortSignal.any([end.signal, this.#closing.signal]);
      void untilEnded(backend, 'statistics', this.#parts, signal, () => this.#stats(id, signal));
    }
  }

  async #stats(id: string, signal: AbortSignal): Promise<void> {
    const { bus, drone, clock } = this.#parts;
    let publishedAt = Number.NEGATIVE_INFINITY;
    for await (const sample of drone.runtime.stats(id, signal)) {
      if (signal.aborted) return;
      if (clock.now() - publishedAt < STATS_EVERY_MS - 500) continue;
      publishedAt = clock.now();
      bus.publish(SUBJECTS.backendStats, id, { id, time: clock.wall(), ...sample });
    }
  }
}
