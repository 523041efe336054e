import type { Clock } from '@spawner/domain';
import type { HoldQueue } from './hold-queue.ts';

/** Between two attempts to reach the backend: short at first, because most programs are back soon. */
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 250;

export interface RestartHoldParts {
  readonly holds: Pick<HoldQueue, 'wait'>;
  readonly clock: Clock;
  /** Whether requests for the backend are still forwarded. */
  isOpen(backendId: string): boolean;
}

/**
 * The wait of a request whose backend is READY and refuses connections, as while its program restarts. It has sent nothing.
 * It waits in the hold queue, which bounds how many do, and is dialled again after each pause.
 */
export class RestartHold {
  readonly #parts: RestartHoldParts;
  readonly #backendId: string;
  readonly #until: number;
  readonly #left = new AbortController();
  #pauseMs = FIRST_PAUSE_MS;

  /** `ms`: how long it waits in all. */
  constructor(parts: RestartHoldParts, backendId: string, ms: number) {
    this.#parts = parts;
    this.#backendId = backendId;
    this.#until = parts.clock.now() + ms;
  }

  /**
   * Waits for a moment. Resolves to true if the request is to be dialled again, and to false if its time is over, it has no
   * room, or the backend has ended. Never rejects.
   */
  async pause(): Promise<boolean> {
    const { holds, clock, isOpen } = this.#parts;
    const leftMs = this.#until - clock.now();
    if (leftMs <= 0) return false;
    const ms = Math.min(leftMs, this.#pauseMs);
    this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
    const end = await holds.wait(this.#backendId, ms, this.#left.signal);
    return (end === 'timeout' || end === 'released') && isOpen(this.#backendId);
  }

  /** The client has left. */
  leave(): void {
    this.#left.abort(new Error('the client has left'));
  }
}
