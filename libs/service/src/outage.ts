import { type Clock, isAppError } from '@spawner/domain';
import type { Log } from './log.ts';

/** The most distinct reasons that are logged in one outage. */
const MOST_REASONS = 8;

/**
 * Logs repeated failures once: when they begin, when the reason changes, and when they are over. An AppError is logged by its text,
 * any other error with its stack.
 */
export class Outage {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #says: { begins: string; ends: string };
  readonly #reasons = new Set<string>();
  #failures = 0;
  #since = 0;

  constructor(log: Log, clock: Clock, says: { begins: string; ends: string }) {
    this.#log = log;
    this.#clock = clock;
    this.#says = says;
  }

  failed(error: unknown, fields: object = {}): void {
    if (this.#failures++ === 0) this.#since = this.#clock.now();
    const reason = reasonOf(error);
    if (this.#reasons.has(reason) || this.#reasons.size >= MOST_REASONS) return;
    this.#reasons.add(reason);
    this.#log.warn({ ...fields, ...(isAppError(error) ? { reason } : { error }) }, this.#says.begins);
  }

  /** Records a success, and logs it if it ends an outage. */
  over(): void {
    if (this.#failures === 0) return;
    const lastedMs = Math.round(this.#clock.now() - this.#since);
    this.#log.info({ failures: this.#failures, lasted_ms: lastedMs }, this.#says.ends);
    this.#failures = 0;
    this.#reasons.clear();
  }
}

/** The texts of an error and its causes, outermost first, each once. */
function reasonOf(error: unknown): string {
  const texts: string[] = [];
  for (let at: unknown = error; at instanceof Error && texts.length < 5; at = at.cause)
    if (!texts.includes(at.message)) texts.push(at.message);
  return texts.length === 0 ? String(error) : texts.join(': ');
}
