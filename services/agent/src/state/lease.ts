import { DEADLINES } from '@spawner/domain';
import type { Log } from '@spawner/service';
import { readObject, type StateFiles } from './state-dir.ts';

const FILE = 'lease.json';
/** While backends start there are many renewals a second, and each write takes a millisecond. */
const WRITE_EVERY_MS = 1_000;

/** Whether strictly keyed backends run on, get their stop signal or are killed. */
export type Fencing = 'none' | 'stop' | 'kill';

/** Decides from the age of the lease: milliseconds of the agent's clock since the send of the last answered renewal. */
export function fencingAt(age: number): Fencing {
  if (age >= DEADLINES.leaseKill) return 'kill';
  return age >= DEADLINES.leaseStop ? 'stop' : 'none';
}

/**
 * The last renewal of the drone's lease, stored on disk. An agent that starts with a passed or unknown lease fences before
 * it does anything else, because its keys may have new holders by now. The instant is of one boot.
 */
export class Lease {
  readonly #dir: StateFiles;
  readonly #boot: string;
  readonly #log: Log;
  #renewedAt: number;
  #writtenAt = Number.NEGATIVE_INFINITY;
  #isWritten = true;

  constructor(dir: StateFiles, boot: string, log: Log) {
    this.#dir = dir;
    this.#boot = boot;
    this.#log = log;
    this.#renewedAt = this.#read();
  }

  /**
   * A renewal sent at `sentAt` was answered. The file may be a second behind, or more if the disk is full: the next agent then
   * only fences sooner.
   */
  renewed(sentAt: number): void {
    this.#renewedAt = sentAt;
    if (this.#isWritten && sentAt - this.#writtenAt < WRITE_EVERY_MS) return;
    try {
      const text = JSON.stringify({ boot: this.#boot, renewedAt: Math.round(sentAt) });
      this.#dir.write(FILE, text, { durable: false });
      this.#writtenAt = sentAt;
      this.#isWritten = true;
    } catch (error) {
      if (this.#isWritten) this.#log.error({ error }, 'the lease cannot be written');
      this.#isWritten = false;
    }
  }

  /** Infinite if no renewal of this boot is known. */
  age(now: number): number {
    return now - this.#renewedAt;
  }

  #read(): number {
    const kept = readObject<{ boot: string; renewedAt?: number }>(this.#dir, FILE);
    return (kept?.boot === this.#boot ? kept.renewedAt : undefined) ?? Number.NEGATIVE_INFINITY;
  }
}
