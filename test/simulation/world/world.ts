import { type Event, EventQueue } from './event-queue.ts';
import type { Process } from './process.ts';
import { Random } from './random.ts';
import { Trace } from './trace.ts';

const SETTLED = Promise.resolve();

/** An invariant does not hold. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

/**
 * A world in which time, chance and order are one seed's. Promises are deterministic by themselves: the
 * world takes the next event, runs it, lets every promise settle that can, sees whether an invariant was
 * broken, and only then goes on to the next.
 */
export class World {
  readonly seed: number;
  readonly random: Random;
  readonly trace: Trace;
  readonly #queue = new EventQueue();
  #now = 0;
  #violation: Violation | undefined;

  constructor(seed: number, telling = false) {
    this.seed = seed;
    this.random = new Random(seed);
    this.trace = new Trace(telling);
  }

  /** Chances of their own for what is drawn beside the rest, so that it does not change what else a seed tells. */
  stream(name: string): Random {
    let word = 0;
    for (let at = 0; at < name.length; at++) word = (Math.imul(word, 31) + name.charCodeAt(at)) & 0xfffff;
    return new Random(this.seed + 2 ** 32 * (word + 1));
  }

  /** Milliseconds of true time, which no process sees. */
  get now(): number {
    return this.#now;
  }

  /** Runs `run` after `ms` of true time, unless the process that it belongs to has crashed by then. */
  after(ms: number, run: () => void, owner?: Process): Event {
    return this.#queue.add(this.#now + Math.max(0, ms), run, owner);
  }

  note(what: string, who: string, whom?: string): void {
    this.trace.note(this.#now, what, who, whom);
  }

  /** The first violation ends the run. */
  violate(message: string): void {
    if (this.#violation) return;
    this.#violation = new Violation(message);
    this.note('VIOLATION', message);
  }

  /** Lets time go on until `until`. Throws the Violation that was found. */
  run(until: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const turn = () => {
        try {
          if (this.#violation) throw this.#violation;
          if (this.#happen(until)) SETTLED.then(afterAll);
          else resolve();
        } catch (error) {
          reject(error);
        }
      };
      // A tick that is asked for by a promise comes after everything that promises have to do without time.
      const afterAll = () => process.nextTick(turn);
      SETTLED.then(afterAll);
    });
  }

  /** Lets the next event happen; false where there is none by then, and it is that time. */
  #happen(until: number): boolean {
    for (let event = this.#queue.peek(); event && event.at <= until; event = this.#queue.peek()) {
      this.#queue.take();
      const { owner } = event;
      if (!event.run || (owner && !owner.alive)) continue;
      if (owner && owner.standsUntil > event.at) {
        this.#queue.postpone(event, owner.standsUntil);
        continue;
      }
      this.#now = event.at;
      event.run();
      return true;
    }
    this.#now = until;
    return false;
  }
}
