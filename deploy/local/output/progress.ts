/** Prints the progress for a terminal, in lines that also read well in a file. */
import type { Clock } from '@spawner/domain';

export class Progress {
  readonly #clock: Clock;
  readonly #write: (line: string) => void;

  constructor(clock: Clock, write: (line: string) => void) {
    this.#clock = clock;
    this.#write = write;
  }

  /** Prints the begin of a step and its end with the seconds it took. `outcome` may add a sentence. */
  async step<T>(
    what: string,
    work: () => Promise<T>,
    outcome: (value: T) => string = () => what,
  ): Promise<T> {
    const startedAt = this.#clock.now();
    this.#write(`· ${what} …`);
    const value = await work();
    this.#write(`✓ ${outcome(value)} (${((this.#clock.now() - startedAt) / 1000).toFixed(1)} s)`);
    return value;
  }

  say(text: string): void {
    this.#write(text);
  }

  /** Prints a warning that must not be overlooked. */
  warn(text: string): void {
    const lines = text.split('\n').map((line) => `! ${line}`);
    this.#write(['', ...lines, ''].join('\n'));
  }

  /** Prints an error with its causes. */
  fail(error: unknown): void {
    const causes: string[] = [];
    for (let at = error; at instanceof Error; at = at.cause) causes.push(at.message);
    this.#write(`\n✗ ${causes.length > 0 ? causes.join('\n  because: ') : String(error)}`);
  }
}
