import { backoffMs, type Clock } from '@spawner/domain';
import type { Log } from '@spawner/service';
import type { Sandbox, SandboxApi } from './sandbox.ts';
import type { SandboxDemand } from './sandbox-demand.ts';
import type { SandboxPool } from './sandbox-pool.ts';

/** Events get lost, so the pool is compared with the runtime this often. */
const LOOK_MS = 10_000;
const MOST_BACKOFF_MS = 60_000;

export interface SandboxKeeperParts {
  readonly api: SandboxApi;
  readonly pool: SandboxPool;
  readonly demand: SandboxDemand;
  /** The part of one processor that making sandboxes may use, above 0 and at most 1. */
  readonly share: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
}

/**
 * Keeps the drone's sandboxes: adopts or removes those that it finds, and makes as many as the demand wants, one after the
 * other and only while no backend starts. A sandbox is removed after its backend.
 */
export class SandboxKeeper {
  readonly #parts: SandboxKeeperParts;
  readonly #starts = { sandbox: 0, direct: 0 };
  /** The work that needs the list of sandboxes to itself, one after the other. */
  #alone: Promise<unknown> = Promise.resolve();
  #lookedAt = Number.NEGATIVE_INFINITY;
  #failures = 0;
  /** Holders that were removed since the present look began. */
  #gone = new Set<string>();

  constructor(parts: SandboxKeeperParts) {
    this.#parts = parts;
  }

  /** The sandboxes now, and the starts so far by their way to the network. */
  get counts() {
    const { pool } = this.#parts;
    const { ready, taken } = pool;
    return { ready, taken, discarded: pool.discarded.length, starts: { ...this.#starts } };
  }

  /**
   * Takes a sandbox for a backend that starts. Without a ready one, or if it cannot join any, it has to get its network by
   * itself.
   */
  take(backend: string, canJoin = true): Sandbox | undefined {
    const { pool, demand, clock } = this.#parts;
    if (canJoin) demand.started(clock.now());
    const sandbox = demand.none || !canJoin ? undefined : pool.take(backend);
    this.#starts[sandbox ? 'sandbox' : 'direct'] += 1;
    return sandbox;
  }

  /** The sandbox that a running program has joined. Returns undefined if its holder has died or is gone. */
  async joined(id: string): Promise<Sandbox | undefined> {
    const { pool } = this.#parts;
    if (!pool.find(id)) await this.#exclusively(async () => pool.find(id) ?? this.#look());
    const taken = pool.find(id);
    return taken?.severed ? undefined : taken?.sandbox;
  }

  /** Removes the sandboxes of a backend that is gone, but for the one that it keeps. Rejects if one cannot be removed. */
  async release(backend: string, kept?: string): Promise<void> {
    const { pool } = this.#parts;
    const released = pool.takenBy(backend).filter(({ id }) => id !== kept);
    for (const { id } of released) pool.discard(id);
    for (const sandbox of released) await this.#remove(sandbox);
  }

  /** A holder has died. Returns the backend that has lost its network. */
  died(id: string): string | undefined {
    return this.#parts.pool.died(id);
  }

  /** Compares the pool with the runtime. Called at least once before the first turn makes anything. */
  look(): Promise<void> {
    return this.#exclusively(() => this.#look());
  }

  /** One step: a look if it is due, the removals that are due, and one sandbox more or less, with the rest that follows. */
  async turn(busy: () => boolean, signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#parts;
    try {
      if (clock.now() - this.#lookedAt >= LOOK_MS) await this.look();
      for (const sandbox of this.#parts.pool.discarded) await this.#remove(sandbox);
      if (!busy()) await this.#adjust(signal);
      this.#failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      await clock
        .sleep(backoffMs(this.#failures++, random, { maxMs: MOST_BACKOFF_MS }), signal)
        .catch(() => {});
      throw error;
    }
  }

  async #adjust(signal: AbortSignal): Promise<void> {
    const { pool, demand, clock, share } = this.#parts;
    const began = clock.now();
    const missing = demand.wanted(began) - pool.ready;
    if (missing === 0) return;
    if (missing > 0) await this.#exclusively(() => this.#make());
    else pool.discardReady();
    for (const sandbox of pool.discarded) await this.#remove(sandbox);
    // The work and this rest together use the share of a processor.
    await clock.sleep((clock.now() - began) * (1 / share - 1), signal).catch(() => {});
  }

  async #make(): Promise<void> {
    const sandbox = await this.#parts.api.make();
    if (sandbox) this.#parts.pool.add(sandbox);
  }

  async #look(): Promise<void> {
    const { api, pool, clock } = this.#parts;
    this.#gone = new Set();
    for (const sandbox of pool.compare(await api.list(), this.#gone)) api.adopt(sandbox);
    this.#lookedAt = clock.now();
  }

  async #remove(sandbox: Sandbox): Promise<void> {
    await this.#parts.api.remove(sandbox);
    this.#gone.add(sandbox.id);
    this.#parts.pool.removed(sandbox.id);
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#alone.then(work);
    this.#alone = done.catch(() => {});
    return done;
  }
}
