import type { Scheduler } from './scheduler.ts';

/** Whether the scheduler answers, for readiness: asked now and then with the cheapest question there is. */
export class Reachability {
  readonly #scheduler: Scheduler;
  #answered = false;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  async look(signal: AbortSignal): Promise<void> {
    try {
      const question = { pageSize: 1, pageToken: '', states: [], droneId: '', labels: {} };
      await this.#scheduler.listBackends(question, { signal });
      this.#answered = true;
    } catch (error) {
      this.#answered = false;
      throw error;
    }
  }

  waitingFor(): string | undefined {
    return this.#answered ? undefined : 'the scheduler';
  }
}
