import { isHarnessFault } from '../../memory-redis/errors.ts';
import type { Counted, Counts } from './coverage.ts';
import { isExpected } from './errors.ts';
import { type Event, EventQueue, type Run } from './event-queue.ts';
import { type InvariantName, Violation } from './invariants.ts';
import type { Process } from './process.ts';
import { Random } from './random.ts';
import { Trace } from './trace.ts';

const SETTLED = Promise.resolve();

/**
 * A world in which time, chance and order follow from one seed. Promises are deterministic by themselves: the world takes
 * the next event, runs it, lets every promise settle that can, looks for a broken invariant, and takes the next event.
 */
export class World {
  readonly seed: number;
  readonly random: Random;
  readonly trace: Trace;
  readonly counts: Counts = {};
  readonly #queue = new EventQueue();
  #now = 0;
  /** The first violation, or a fault of the harness. Either ends the run. */
  #end: { error: unknown } | undefined;

  readonly #judged: InvariantName | undefined;

  /** `judged`: the only invariant that counts; undefined for all of them. */
  constructor(seed: number, telling = false, judged?: InvariantName) {
    this.seed = seed;
    this.#judged = judged;
    this.random = new Random(seed);
    this.trace = new Trace(telling);
  }

  /** A separate source of chance, so that what is drawn from it leaves the other draws of a seed unchanged. */
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

  /** Like `after`, but for a step that settles no promise, unless it returns true. It only plans other events. */
  relay(ms: number, run: Run, owner?: Process): Event {
    return this.#queue.add(this.#now + Math.max(0, ms), run, owner, true);
  }

  note(what: string, who: string, whom?: string): void {
    this.trace.note(this.#now, what, who, whom);
  }

  /** The first violation ends the run. */
  violate(invariant: InvariantName, message: string): void {
    if (this.#end || (this.#judged && invariant !== this.#judged)) return;
    this.#end = { error: new Violation(invariant, message) };
    this.note('VIOLATION', invariant, message);
  }

  /** A fault of the harness or of a script: the run ends with this error, whatever the product makes of it. */
  fail(error: unknown): void {
    this.#end = { error };
  }

  /** Judges an error that a part of the product threw, logged or answered. */
  see(error: unknown, where: string): void {
    if (isHarnessFault(error)) this.fail(error);
    else if (!isExpected(error)) this.violate('expected-errors', `${where}: ${textOf(error)}`);
  }

  /** Counts something that happened; coverage.ts has a floor for each. */
  count(what: Counted, by = 1): void {
    this.counts[what] = (this.counts[what] ?? 0) + by;
  }

  /** Lets time pass until `until`. Rejects with the Violation that was found, or with the fault that ended the run. */
  run(until: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const turn = () => {
        try {
          if (this.#end) throw this.#end.error;
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

  /** Runs events to the next that may settle a promise. Returns false if none is left before `until`, which is then the present. */
  #happen(until: number): boolean {
    for (let event = this.#queue.peek(); event && event.at <= until; event = this.#queue.peek()) {
      this.#queue.take();
      const { owner } = event;
      if (!event.run || (owner && !owner.alive)) continue;
      if (owner && owner.pausedUntil > event.at) {
        this.#queue.postpone(event, owner.pausedUntil);
        continue;
      }
      this.#now = event.at;
      const settled = event.run();
      if (!event.isQuiet || settled === true || this.#end) return true;
    }
    this.#now = until;
    return false;
  }
}

/** The error and its causes. */
function textOf(error: unknown): string {
  const cause =
    error instanceof Error && error.cause !== undefined ? `, because of ${textOf(error.cause)}` : '';
  return `${String(error)}${cause}`;
}
