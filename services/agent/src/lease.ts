import { DEADLINES } from '@spawner/domain';
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
  #renewedAt: number;

  constructor(dir: StateFiles, boot: string) {
    this.#dir = dir;
    this.#boot = boot;
    this.#renewedAt = this.#read();
  }

  /** A renewal that was sent at `sentAt` has been answered. */
  renewed(sentAt: number): void {
    this.#renewedAt = sentAt;
    this.#dir.write(FILE, JSON.stringify({ boot: this.#boot, renewedAt: Math.round(sentAt) }));
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
