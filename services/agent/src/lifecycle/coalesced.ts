/**
 * Runs a piece of work for many callers. Calls during a run share it, and make it run once more, so that each caller's
 * result is from after its call.
 */
export class Coalesced {
  readonly #work: () => Promise<boolean>;
  #running: Promise<void> | undefined;
  #again = false;

  /** `work` returns whether it has to run once more. */
  constructor(work: () => Promise<boolean>) {
    this.#work = work;
  }

  run(): Promise<void> {
    this.#again = this.#running !== undefined;
    this.#running ??= this.#runOften().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #runOften(): Promise<void> {
    do {
      this.#again = false;
      if (await this.#work()) this.#again = true;
    } while (this.#again);
  }
}
