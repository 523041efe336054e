import type { Effect } from './life-machine.ts';

/** An effect that takes its turn. */
export type Work = Exclude<Effect, 'abort'>;

/** The effects of one backend, carried out one after the other. */
export class EffectQueue {
  readonly #perform: (effect: Work, signal: AbortSignal) => Promise<void>;
  readonly #failed: (error: unknown, effect: Work) => void;
  readonly #waiting: Work[] = [];
  #wanted = new AbortController();
  #working = false;
  #closed = false;

  /**
   * `perform` carries out one effect; its signal aborts when the effect is no longer wanted. `failed` is called if an effect
   * rejects while it is still wanted.
   */
  constructor(
    perform: (effect: Work, signal: AbortSignal) => Promise<void>,
    failed: (error: unknown, effect: Work) => void,
  ) {
    this.#perform = perform;
    this.#failed = failed;
  }

  /** Adds effects without starting them. `abort` drops the effects that wait and aborts the one that runs. */
  add(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect === 'abort') this.#abort();
      else this.#waiting.push(effect);
    }
  }

  /** Works until no effect waits. A call while it works does nothing. */
  async work(): Promise<void> {
    if (this.#working) return;
    this.#working = true;
    for (let effect = this.#waiting.shift(); effect; effect = this.#waiting.shift()) {
      const { signal } = this.#wanted;
      try {
        await this.#perform(effect, signal);
      } catch (error) {
        if (!signal.aborted && !this.#closed) this.#failed(error, effect);
      }
    }
    this.#working = false;
  }

  /** Aborts the effect that runs. Failures are no longer reported. */
  close(): void {
    this.#closed = true;
    this.#wanted.abort(new Error('the agent is stopping'));
  }

  #abort(): void {
    this.#waiting.length = 0;
    this.#wanted.abort(new Error('the end of the backend has begun'));
    this.#wanted = new AbortController();
  }
}
