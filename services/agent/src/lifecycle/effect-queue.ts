import type { Effect } from './life-machine.ts';

export interface EffectQueueParts {
  /** Carries out one effect. The signal aborts when the effect is no longer wanted. */
  readonly perform: (effect: Effect, signal: AbortSignal) => Promise<void>;
  /** Called if an effect rejects while it is still wanted. */
  readonly failed: (error: unknown, effect: Effect) => void;
}

/** The effects of one backend, carried out one after the other. */
export class EffectQueue {
  readonly #parts: EffectQueueParts;
  readonly #waiting: Effect[] = [];
  #wanted = new AbortController();
  #working = false;
  #closed = false;

  constructor(parts: EffectQueueParts) {
    this.#parts = parts;
  }

  /** Adds effects without starting them. `abort` drops the effects that wait and aborts the one that runs. */
  add(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect === 'abort') this.#abort('its end has begun');
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
        await this.#parts.perform(effect, signal);
      } catch (error) {
        if (!signal.aborted && !this.#closed) this.#parts.failed(error, effect);
      }
    }
    this.#working = false;
  }

  /** Aborts the effect that runs. Failures are no longer reported. */
  close(): void {
    this.#closed = true;
    this.#wanted.abort(new Error('the agent is stopping'));
  }

  #abort(reason: string): void {
    this.#waiting.length = 0;
    this.#wanted.abort(new Error(reason));
    this.#wanted = new AbortController();
  }
}
