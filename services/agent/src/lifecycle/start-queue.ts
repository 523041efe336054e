import type { Clock } from '@spawner/domain';
import type { StartLoad } from '@spawner/proto/internal/scheduler_service';
import type { WaitingStart } from '@spawner/proto/internal/telemetry';
import { expectedWaits, StartDurations } from './start-estimate.ts';

/** A start keeps its place for this long after its program has started: a slow program must not block the drone. */
const START_HOLD_MS = 5_000;
const MOST = 1_000;
/** After a restart, the queue waits for its starts no longer than this. The engine may not answer about one of them. */
const GATHER_MS = 60_000;

/** A start in the queue, or in a place. */
export interface Start {
  readonly id: string;
  /** The order of the spawns. */
  readonly placement: number;
  readonly key?: { readonly namespace: string };
}

interface Waiting extends Start {
  readonly admit: () => void;
}

/** A start that has a place. */
interface Placed {
  /** Undefined for a start that an earlier agent admitted. */
  readonly since?: number;
  /** When it has to give the place up. */
  until: number;
}

interface StartQueueOptions {
  readonly atOnce: number;
  readonly most?: number;
  readonly clock: Pick<Clock, 'now'>;
}

/**
 * The starts of a drone. A few have a place, and the others wait: if all advanced together, none would be ready before the
 * last. Key namespaces take turns, and spawns without a key count as one namespace. Within it the earlier spawn is first.
 */
export class StartQueue {
  /** The most backends that may wait for their image or their place. */
  readonly most: number;
  readonly #atOnce: number;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #durations = new StartDurations();
  /** Starts that wait, by namespace. The namespace whose turn is next comes first. */
  readonly #lanes = new Map<string | undefined, Waiting[]>();
  readonly #places = new Map<string, Placed>();
  /** Starts that waited when the agent was restarted, and have yet to enter. Until then no start gets a place. */
  readonly #gathering = new Set<string>();
  #gatheredBy = 0;

  constructor({ atOnce, most = MOST, clock }: StartQueueOptions) {
    this.#atOnce = atOnce;
    this.#clock = clock;
    this.most = most;
  }

  /** The number of starts that wait. */
  get waiting(): number {
    return [...this.#lanes.values()].reduce((sum, lane) => sum + lane.length, 0);
  }

  /** Whether a start waits or has a place. */
  get busy(): boolean {
    return this.#places.size > 0 || this.waiting > 0 || this.#gathering.size > 0;
  }

  /** The starts that an earlier agent `admitted` keep their places, and those that `waited` get theirs in their order. */
  resume(admitted: readonly string[], waited: readonly string[]): void {
    for (const id of admitted) this.#places.set(id, { until: Number.POSITIVE_INFINITY });
    for (const id of waited) this.#gathering.add(id);
    this.#gatheredBy = this.#clock.now() + GATHER_MS;
  }

  /** Resolves when the start has a place, or had one already. Rejects, and leaves the queue, when the signal aborts. */
  enter({ id, placement, key }: Start, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      if (this.#places.has(id)) return resolve();
      const lane = this.#lanes.get(key?.namespace) ?? [];
      const waiting = { id, placement, admit: resolve };
      lane.splice(lane.findLastIndex((other) => other.placement <= placement) + 1, 0, waiting);
      this.#lanes.set(key?.namespace, lane);
      this.#gathering.delete(id);
      const leave = () => {
        const at = lane.indexOf(waiting);
        if (at >= 0) lane.splice(at, 1);
        reject(signal.reason);
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#admit();
    });
  }

  /** The program has started, or its start waits for the scheduler: from now on it keeps its place for a moment only. */
  started(id: string): void {
    const placed = this.#places.get(id);
    if (placed) placed.until = this.#clock.now() + START_HOLD_MS;
    if (this.#gathering.has(id)) this.leave(id);
  }

  /** The backend is ready. */
  ready(id: string): void {
    const placed = this.#places.get(id);
    const now = this.#clock.now();
    if (placed?.since !== undefined) this.#durations.add(now - placed.since, now);
    this.leave(id);
  }

  /** The backend has ended. How long its start took says nothing. */
  leave(id: string): void {
    const gathered = this.#gathering.delete(id);
    if (this.#places.delete(id) || gathered) this.#admit();
  }

  tick(): void {
    const now = this.#clock.now();
    // A program that is slow to answer keeps its place no longer, so for the queue its start is over.
    for (const [id, { until }] of this.#places) if (until <= now) this.ready(id);
    if (now >= this.#gatheredBy) for (const id of this.#gathering) this.leave(id);
  }

  /** The starts that wait, in the order in which they get a place if no other comes: the first has position 1. */
  order(): WaitingStart[] {
    const lanes = [...this.#lanes.values()];
    const longest = Math.max(0, ...lanes.map((lane) => lane.length));
    const ids: string[] = [];
    for (let turn = 0; turn < longest; turn++) ids.push(...lanes.flatMap((lane) => lane[turn]?.id ?? []));
    const now = this.#clock.now();
    const startMs = this.#durations.mean(now);
    if (startMs === undefined) return ids.map((id) => ({ id }));
    const elapsed = [...this.#places.values()].map(({ since = now }) => now - since);
    const waits = expectedWaits({ count: this.#atOnce, elapsed, startMs }, ids.length);
    return ids.map((id, at) => ({ id, expectedWaitMs: waits[at] }));
  }

  /** The queue as the scheduler sees it. `unstarted` backends wait for their image or their place. */
  load(unstarted: number): StartLoad {
    return {
      places: this.#atOnce,
      pending: unstarted + this.#places.size,
      room: Math.max(0, this.most - unstarted),
      startMs: Math.round(this.#durations.mean(this.#clock.now()) ?? 0),
    };
  }

  #admit(): void {
    while (this.#places.size < this.#atOnce && this.#gathering.size === 0) {
      const [turn] = this.#lanes;
      if (!turn) return;
      const [namespace, lane] = turn;
      const next = lane.shift();
      this.#lanes.delete(namespace);
      if (lane.length > 0) this.#lanes.set(namespace, lane);
      if (!next) continue;
      this.#places.set(next.id, { since: this.#clock.now(), until: Number.POSITIVE_INFINITY });
      next.admit();
    }
  }
}
