import { AppError } from '@spawner/domain';
import type { Bus, Subscribed, Take } from './bus.ts';
import type { Question, Subject } from './subjects.ts';

/**
 * A bus that may connect later. Before `use` it acts like a disconnected one: messages are lost, and questions fail. Subscriptions
 * and answers made before take effect then.
 */
export class DeferredBus implements Bus {
  #bus: Bus | undefined;
  #closed = false;
  readonly #pending = new Set<(bus: Bus) => void>();

  /** Connects it to a bus, which it closes with itself. Called once. */
  use(bus: Bus): void {
    this.#bus = bus;
    if (this.#closed) {
      void bus.close();
      return;
    }
    for (const begin of this.#pending) begin(bus);
    this.#pending.clear();
  }

  get connected(): boolean {
    return this.#bus?.connected === true;
  }

  publish<T>(subject: Subject<T>, id: string, message: T): void {
    this.#bus?.publish(subject, id, message);
  }

  subscribe<T>(subject: Subject<T>, id: string | undefined, take: Take<T>): Subscribed {
    let subscribed: Subscribed | undefined;
    const { close } = this.#when((bus) => {
      subscribed = bus.subscribe(subject, id, take);
      return subscribed;
    });
    return { established: async () => subscribed?.established(), close };
  }

  answer<T, R>(question: Question<T, R>, id: string, reply: (message: T) => R): { close(): void } {
    return this.#when((bus) => bus.answer(question, id, reply));
  }

  async ask<T, R>(question: Question<T, R>, id: string, message: T, timeoutMs: number): Promise<R> {
    if (!this.#bus) throw new AppError('unavailable', 'the bus is not connected yet');
    return this.#bus.ask(question, id, message, timeoutMs);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#pending.clear();
    await this.#bus?.close();
  }

  #when(begin: (bus: Bus) => { close(): void }): { close(): void } {
    let begun: { close(): void } | undefined;
    const beginning = (bus: Bus) => {
      begun = begin(bus);
    };
    if (this.#bus) beginning(this.#bus);
    else this.#pending.add(beginning);
    return {
      close: () => {
        this.#pending.delete(beginning);
        begun?.close();
      },
    };
  }
}
