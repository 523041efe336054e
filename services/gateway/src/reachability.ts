import type { Clock } from '@spawner/domain';
import type { Scheduler } from './scheduler.ts';

/** From an answer to the next question. */
const ASK_EVERY_MS = 2_000;

/** Whether the scheduler answers, for readiness: asked now and then with the cheapest question there is. */
export class Reachability {
  readonly #scheduler: Scheduler;
  readonly #clock: Clock;
  #answered = false;

  constructor(scheduler: Scheduler, clock: Clock) {
    this.#scheduler = scheduler;
    this.#clock = clock;
  }

  /** Asks once. Throws if there is no answer, and otherwise resolves when it is time for the next question. */
  async look(signal: AbortSignal): Promise<void> {
    try {
      const question = { pageSize: 1, pageToken: '', states: [], droneId: '', labels: {} };
      await this.#scheduler.listBackends(question, { signal });
      this.#answered = true;
    } catch (error) {
      this.#answered = false;
      throw error;
    }
    await this.#clock.sleep(ASK_EVERY_MS, signal);
  }

  waitingFor(): string | undefined {
    return this.#answered ? undefined : 'the scheduler';
  }
}
