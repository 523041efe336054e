import type { Clock } from '@spawner/domain';
import type { App, Log } from '@spawner/service';
import { watchedLog } from './errors.ts';
import type { Machine } from './machine.ts';
import type { World } from './world.ts';

type Owner = Pick<App, 'own' | 'every'>;

/** The shortest rest of a loop. Loops that only look at a clock run more often in the services, which costs time here. */
export const SHORTEST_LOOP_MS = 1_000;

/**
 * One life of a program. It may crash at any moment. From then on its timers, calls and answers have no effect, because
 * the clock and the links know which process each of them belongs to.
 */
export class Process implements Owner {
  readonly name: string;
  readonly machine: Machine;
  readonly world: World;
  readonly clock: Clock;
  readonly log: Log;
  alive = true;
  /** True time of its crash. */
  crashedAt = Number.POSITIVE_INFINITY;
  /** True time until which the process is paused. Its timers and messages wait until then. */
  pausedUntil = 0;
  /** The signal of its loops, which never aborts: a crash leaves them without a clock. */
  readonly never = new AbortController().signal;
  readonly #crashed: (() => void)[] = [];

  constructor(name: string, machine: Machine, world: World) {
    this.name = name;
    this.machine = machine;
    this.world = world;
    this.clock = machine.clockOf(this, world);
    this.log = watchedLog(name, world);
  }

  /** Runs `then` when the process crashes: its connections break, for instance. */
  onCrash(then: () => void): void {
    this.#crashed.push(then);
  }

  /** Pauses the program, as a debugger or a paused machine does. Its clock runs on. */
  pause(ms: number): void {
    this.world.note('pauses', this.name);
    this.pausedUntil = this.world.now + ms;
  }

  crash(): void {
    if (!this.alive) return;
    this.world.note('crash', this.name);
    this.world.count('crashes');
    this.alive = false;
    this.crashedAt = this.world.now;
    for (const then of this.#crashed) then();
  }

  /** Calls `then` after `ms` of its clock, unless the result is called before. */
  later(ms: number, then: () => void): () => void {
    const event = this.world.after(this.machine.trueTime(ms), then, this);
    return () => {
      event.run = undefined;
    };
  }

  own<T>(thing: T): T {
    return thing;
  }

  /** The loop of the chassis. Rests vary a little, so that loops do not run in step. An unexpected error is a violation. */
  every(what: string, everyMs: number, work: (signal: AbortSignal) => Promise<void>): void {
    const rest = Math.max(everyMs, SHORTEST_LOOP_MS);
    const again = () => {
      this.world.after(this.machine.trueTime(rest) * this.world.random.between(0.95, 1.05), turn, this);
    };
    const turn = () => {
      work(this.never).then(again, (error: unknown) => {
        this.world.see(error, `the loop "${what}" of ${this.name}`);
        again();
      });
    };
    turn();
  }
}
