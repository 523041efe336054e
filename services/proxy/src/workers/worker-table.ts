import { failuresInRow, restartDelayMs } from '@spawner/service';

/**
 * Decides which worker starts when, and when the supervisor gives up. Times are the caller's clock in milliseconds. A worker
 * that ends is restarted with the delays of the restart policy.
 */
export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
}

export type AfterExit = { kind: 'again'; inMs: number } | { kind: 'give up' } | { kind: 'over' };

/** A worker that has not reported in this many looks in a row hangs. */
export const MOST_SILENT_LOOKS = 30;

type Slot =
  | { is: 'away'; startAt: number }
  | { is: 'running'; silentLooks: number; servesSince: number | undefined };

export class WorkerTable {
  readonly #slots: Slot[];
  readonly #failures: number[];
  readonly #random: () => number;
  #served = new Set<number>();
  #draining = false;

  /** Slots are 1 to `count`; `random` is below 1. */
  constructor(count: number, random: () => number) {
    this.#slots = Array.from({ length: count }, () => ({ is: 'away', startAt: Number.NEGATIVE_INFINITY }));
    this.#failures = new Array<number>(count).fill(0);
    this.#random = random;
  }

  /** The slots whose worker must be started now. */
  due(now: number): number[] {
    if (this.#draining) return [];
    return this.#slots.flatMap((worker, at) =>
      worker.is === 'away' && worker.startAt <= now ? [at + 1] : [],
    );
  }

  started(slot: number): void {
    this.#slots[slot - 1] = { is: 'running', silentLooks: 0, servesSince: undefined };
  }

  /** The worker has reported its state. */
  heard(slot: number, serves: boolean, now: number): void {
    const worker = this.#slots[slot - 1];
    if (worker?.is !== 'running') return;
    worker.silentLooks = 0;
    worker.servesSince = serves ? (worker.servesSince ?? now) : undefined;
    if (serves) this.#served.add(slot);
  }

  /** To be called once a second; returns the slots whose worker hangs. It counts looks, so a sleeping supervisor blames no worker. */
  look(): number[] {
    return this.#slots.flatMap((worker, at) =>
      worker.is === 'running' && ++worker.silentLooks > MOST_SILENT_LOOKS ? [at + 1] : [],
    );
  }

  /**
   * The consequence of a worker's end. If no worker has ever served, one that ended with an error would only repeat it, so
   * the supervisor gives up, as a single proxy does that cannot start.
   */
  exited(slot: number, { code }: Exit, now: number): AfterExit {
    const worker = this.#slots[slot - 1];
    const served = worker?.is === 'running' ? now - (worker.servesSince ?? now) : 0;
    const failures = failuresInRow(this.#failures[slot - 1] ?? 0, served);
    const inMs = restartDelayMs(failures, this.#random);
    this.#failures[slot - 1] = failures;
    this.#slots[slot - 1] = { is: 'away', startAt: now + inMs };
    if (this.#draining) return { kind: 'over' };
    if (this.#served.size === 0 && code !== null && code !== 0) return { kind: 'give up' };
    return { kind: 'again', inMs };
  }

  /** Starts no more workers. */
  drain(): void {
    this.#draining = true;
  }

  get running(): number {
    return this.#slots.filter(({ is }) => is === 'running').length;
  }

  /** The number of workers that serve now. */
  get serving(): number {
    return this.#slots.filter((worker) => worker.is === 'running' && worker.servesSince !== undefined).length;
  }

  /** Whether each slot has had a worker that served. */
  get complete(): boolean {
    return this.#served.size === this.#slots.length;
  }
}
