import { DEADLINES } from '@spawner/domain';
import type { Log } from '@spawner/service';
import type { StateFiles } from './state-dir.ts';

const FILE = 'lease.json';

/** What the age of the last answered renewal asks of strictly keyed backends. */
export type Fencing = 'none' | 'stop' | 'kill';

/** Pure: ages are milliseconds of the agent's clock since the send of the last answered renewal. */
export function fencingAt(age: number): Fencing {
  if (age >= DEADLINES.leaseKill) return 'kill';
  return age >= DEADLINES.leaseStop ? 'stop' : 'none';
}

/**
 * When the drone's lease was last renewed, on disk, in the time of one boot: an agent that starts with a
 * passed or unknown lease fences before it does anything else, because its keys may be others' by now.
 */
export class Lease {
  readonly #dir: StateFiles;
  readonly #boot: string;
  readonly #log: Log;
  #renewedAt: number;
  #isWritten = true;

  constructor(dir: StateFiles, boot: string, log: Log) {
    this.#dir = dir;
    this.#boot = boot;
    this.#log = log;
    this.#renewedAt = this.#read();
  }

  /** A renewal that was sent at `sentAt` has been answered. A disk that does not take it makes the next agent fence sooner. */
  renewed(sentAt: number): void {
    this.#renewedAt = sentAt;
    try {
      this.#dir.write(FILE, JSON.stringify({ boot: this.#boot, renewedAt: Math.round(sentAt) }), {
        durable: false,
      });
      this.#isWritten = true;
    } catch (error) {
      if (this.#isWritten) this.#log.error({ error }, 'the lease cannot be written');
      this.#isWritten = false;
    }
  }

  /** Infinite where no renewal of this boot is known. */
  age(now: number): number {
    return now - this.#renewedAt;
  }

  #read(): number {
    try {
      const kept = JSON.parse(this.#dir.read(FILE) ?? '{}') as { boot?: string; renewedAt?: number };
      return kept.boot === this.#boot && kept.renewedAt !== undefined
        ? kept.renewedAt
        : Number.NEGATIVE_INFINITY;
    } catch {
      return Number.NEGATIVE_INFINITY;
    }
  }
}
