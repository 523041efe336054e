import type { Clock } from '@spawner/domain';
import type { Log } from '@spawner/service';
import { TIMEOUTS } from '../timeouts.ts';

/** Beyond this many backends that answer badly at the same time, the log would not help. */
const MOST_BACKENDS = 1_000;

/**
 * Tells the developer of a backend about answers that cannot be forwarded, in the log and by its agent: at most once a minute for
 * each backend.
 */
export class AnswerComplaints {
  readonly #clock: Clock;
  readonly #log: Pick<Log, 'warn'>;
  readonly #tellAgent: (backendId: string, objection: string) => void;
  /** Clock times of the last lines, the oldest first. */
  readonly #last = new Map<string, number>();

  constructor(
    clock: Clock,
    log: Pick<Log, 'warn'>,
    tellAgent: (backendId: string, objection: string) => void,
  ) {
    this.#clock = clock;
    this.#log = log;
    this.#tellAgent = tellAgent;
  }

  complain(backendId: string, objection: string): void {
    const now = this.#clock.now();
    for (const [other, at] of this.#last) {
      if (now - at < TIMEOUTS.complainEvery) break;
      this.#last.delete(other);
    }
    if (this.#last.has(backendId) || this.#last.size >= MOST_BACKENDS) return;
    this.#last.set(backendId, now);
    this.#tellAgent(backendId, objection);
    this.#log.warn({ backendId, objection }, "the backend's answer cannot be forwarded");
  }
}
