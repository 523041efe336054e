import type { Clock } from '@spawner/domain';
import { type App, createLog, type Log } from '@spawner/service';
import type { Machine } from './machine.ts';
import type { World } from './world.ts';

type Owner = Pick<App, 'own' | 'every'>;

/** Loops that look at their clocks often do so less often here; what they keep has a resolution of seconds. */
const SHORTEST_LOOP_MS = 800;

export const silent: Log = createLog('simulation', 'silent');

/**
 * One life of a program. It may be gone at any moment: from then on none of its timers, calls or answers
 * has any effect, since each belongs to it at the clock and at the links.
 */
export class Process implements Owner {
  readonly name: string;
  readonly machine: Machine;
  readonly world: World;
  readonly clock: Clock;
  alive = true;
  /** True time until which it stands still: what comes to it meanwhile, timers included, comes to it then. */
  standsUntil = 0;
  readonly #crashed: (() => void)[] = [];
  readonly #never = new AbortController();

  constructor(name: string, machine: Machine, world: World) {
    this.name = name;
    this.machine = machine;
    this.world = world;
    this.clock = machine.clockOf(this, world);
  }

  /** What its being gone means to others, such as broken connections. */
  onCrash(then: () => void): void {
    this.#crashed.push(then);
  }

  /** As a machine that is paused, or a program that is. Its clock goes on. */
  standStill(ms: number): void {
    this.world.note('stands still', this.name);
    this.standsUntil = this.world.now + ms;
  }

  crash(): void {
    if (!this.alive) return;
    this.world.note('crash', this.name);
    this.alive = false;
    for (const then of this.#crashed) then();
  }

  own<T>(thing: T): T {
    return thing;
  }

  /** The chassis's loop; a rest is spread a little, so that loops do not keep step with one another. */
  every(_what: string, everyMs: number, work: (signal: AbortSignal) => Promise<void>): void {
    const rest = Math.max(everyMs, SHORTEST_LOOP_MS);
    const again = () => {
      this.world.after(this.machine.trueTime(rest) * this.world.random.between(0.95, 1.05), turn, this);
    };
    const turn = () => {
      work(this.#never.signal).then(again, again);
    };
    turn();
  }
}
