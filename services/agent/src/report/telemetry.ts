import { type Bus, SUBJECTS } from '@spawner/bus';
import type { Clock } from '@spawner/domain';
import type { ActivityReport } from '@spawner/proto/internal/telemetry';
import type { Activity } from '@spawner/proto/v1/backend';
import { BackendState } from '@spawner/proto/v1/backend';
import type { Log } from '@spawner/service';
import type { ProxyProcesses } from '../idle/proxy-processes.ts';
import { activityOf, reported } from '../idle/usage.ts';
import type { Backend } from '../lifecycle/backend.ts';
import type { Drone } from '../lifecycle/drone.ts';
import { hasEnded, isRunning } from '../lifecycle/life.ts';

export interface TelemetryParts {
  readonly bus: Bus;
  readonly drone: Drone;
  readonly droneId: string;
  readonly cluster: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly proxies: Pick<ProxyProcesses, 'learn'>;
}

const STATS_EVERY_MS = 5_000;
/** A stream that broke off, as all do when the engine is restarted, is followed again after this. */
const AGAIN_MS = 1_000;

/** What is told and heard over the bus. All of it may be lost. */
export class Telemetry {
  readonly #parts: TelemetryParts;
  /** Whose lines are followed, and whose samples, each with what ends it. */
  readonly #told = new Set<string>();
  readonly #sampled = new Map<string, AbortController>();
  readonly #closing = new AbortController();
  readonly #subscriptions: { close(): void }[];

  /** `look` is called with the id of a backend that a proxy could not connect to. */
  constructor(parts: TelemetryParts, look: (id: string) => void) {
    this.#parts = parts;
    const { bus, drone, droneId } = parts;
    this.#subscriptions = [
      bus.subscribe(SUBJECTS.activity, droneId, (report) => this.#hear(report)),
      bus.subscribe(SUBJECTS.backendLook, undefined, ({ id }) => look(id)),
    ];
    for (const backend of drone.living()) this.#attend(backend);
    drone.onChange((backend) => this.#attend(backend));
  }

  heartbeat(): void {
    const { bus, drone, droneId, cluster, clock } = this.#parts;
    const backends = drone.living().map((backend) => ({ id: backend.id, activity: this.#activity(backend) }));
    bus.publish(SUBJECTS.droneHeartbeat, droneId, { droneId, cluster, time: clock.wall(), backends });
  }

  close(): void {
    for (const subscription of this.#subscriptions) subscription.close();
    this.#closing.abort(new Error('the agent is stopping'));
  }

  #activity({ life, usage }: Backend): Activity {
    if (life.status.state !== BackendState.READY) return { openConnections: 0, idleForMs: 0 };
    return activityOf(usage, life.terms.idleTimeoutMs, this.#parts.clock.now());
  }

  #hear({ proxyId, registration, process, backends }: ActivityReport): void {
    this.#parts.proxies.learn(proxyId, registration, process);
    for (const said of backends) {
      const backend = this.#parts.drone.find(said.id);
      if (!backend) continue;
      backend.usage = reported(backend.usage, proxyId, registration, said, this.#parts.clock.now());
    }
  }

  #attend(backend: Backend): void {
    const { id, life } = backend;
    if (hasEnded(life)) {
      this.#sampled.get(id)?.abort(new Error('it has ended'));
      this.#sampled.delete(id);
      this.#told.delete(id);
      return;
    }
    if (isRunning(life) && !this.#told.has(id)) {
      this.#told.add(id);
      // A backend that was running before this agent began has told its earlier lines already.
      const first = life.status.state === BackendState.WAITING ? undefined : 0;
      // The lines end by themselves, so that the last ones are told too.
      const { signal } = this.#closing;
      void this.#follow(backend, 'logs', signal, (again) => this.#logs(id, again ? 0 : first, signal));
    }
    // Not before it is ready: sampling takes the engine's time away from starting.
    if (life.status.state === BackendState.READY && !this.#sampled.has(id)) {
      const end = new AbortController();
      this.#sampled.set(id, end);
      const signal = AbortSignal.any([end.signal, this.#closing.signal]);
      void this.#follow(backend, 'stats', signal, () => this.#stats(id, signal));
    }
  }

  /** Until the program ends; what broke off goes on, without what was said meanwhile. Never rejects. */
  async #follow(
    backend: Backend,
    what: string,
    signal: AbortSignal,
    work: (again: boolean) => Promise<void>,
  ): Promise<void> {
    for (let again = false; !signal.aborted; again = true) {
      try {
        return await work(again);
      } catch (error) {
        if (signal.aborted || !isRunning(backend.life)) return;
        this.#parts.log.warn({ error, backend: backend.id }, `following its ${what} broke off`);
        await this.#parts.clock.sleep(AGAIN_MS, signal).catch(() => {});
      }
    }
  }

  async #logs(id: string, tailLines: number | undefined, signal: AbortSignal): Promise<void> {
    const { bus, drone } = this.#parts;
    for await (const line of drone.runtime.logs(id, { follow: true, tailLines, signal }))
      bus.publish(SUBJECTS.backendLog, id, { id, line });
  }

  async #stats(id: string, signal: AbortSignal): Promise<void> {
    const { bus, drone, clock } = this.#parts;
    let toldAt = Number.NEGATIVE_INFINITY;
    for await (const sample of drone.runtime.stats(id, signal)) {
      if (signal.aborted) return;
      if (clock.now() - toldAt < STATS_EVERY_MS - 500) continue;
      toldAt = clock.now();
      bus.publish(SUBJECTS.backendStats, id, { id, time: clock.wall(), ...sample });
    }
  }
}
