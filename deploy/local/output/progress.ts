/** Tells the person in front of the terminal what is being done, in lines that also read well in a file. */
import type { Clock } from '@spawner/domain';

export class Progress {
  readonly #clock: Clock;
  readonly #write: (line: string) => void;

  constructor(clock: Clock, write: (line: string) => void) {
    this.#clock = clock;
    this.#write = write;
  }

  /** Says what is begun, and with its seconds what has come of it; `outcome` may add to that. */
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

  /** Something that nobody should overlook. */
  warn(text: string): void {
    const lines = text.split('\n').map((line) => `! ${line}`);
    this.#write(['', ...lines, ''].join('\n'));
  }

  /** The error with its causes. */
  fail(error: unknown): void {
    const causes: string[] = [];
    for (let at = error; at instanceof Error; at = at.cause) causes.push(at.message);
    this.#write(`\n✗ ${causes.length > 0 ? causes.join('\n  because: ') : String(error)}`);
  }
}
