import { type Clock, isAppError } from '@spawner/domain';
import type { Log } from './log.ts';

/** Failures that are told apart within one outage; what comes beyond them is like what came before. */
const MOST_REASONS = 8;

/**
 * Something that fails again and again while a part is away: told when it begins, when it fails for another
 * reason, and when it is over, not at every try. Expected errors are told by their texts, others with their stack.
 */
export class Outage {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #begins: string;
  readonly #ends: string;
  readonly #reasons = new Set<string>();
  #failures = 0;
  #since = 0;

  constructor(log: Log, clock: Clock, { begins, ends }: { begins: string; ends: string }) {
    this.#log = log;
    this.#clock = clock;
    this.#begins = begins;
    this.#ends = ends;
  }

  failed(error: unknown, fields: object = {}): void {
    if (this.#failures++ === 0) this.#since = this.#clock.now();
    const reason = reasonOf(error);
    if (this.#reasons.has(reason) || this.#reasons.size >= MOST_REASONS) return;
    this.#reasons.add(reason);
    this.#log.warn({ ...fields, ...(isAppError(error) ? { reason } : { error }) }, this.#begins);
  }

  /** It works; says so where it did not before. */
  over(): void {
    if (this.#failures === 0) return;
    const lastedMs = Math.round(this.#clock.now() - this.#since);
    this.#log.info({ failures: this.#failures, lasted_ms: lastedMs }, this.#ends);
    this.#failures = 0;
    this.#reasons.clear();
  }
}

/** The texts of an error and its causes, from the outside in, each once. */
function reasonOf(error: unknown): string {
  const texts: string[] = [];
  for (let at: unknown = error; at instanceof Error && texts.length < 5; at = at.cause)
    if (!texts.includes(at.message)) texts.push(at.message);
  return texts.length === 0 ? String(error) : texts.join(': ');
}
