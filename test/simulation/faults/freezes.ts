import type { Process } from '../world/process.ts';
import type { Random } from '../world/random.ts';
import type { World } from '../world/world.ts';

/** A process that is frozen, as by a debugger or a paused machine, and then runs on with what it knew. */
export class Freezes {
  readonly #world: World;
  readonly #one: { readonly process: Process | undefined };
  readonly #random: Random;

  constructor(world: World, one: { readonly process: Process | undefined }) {
    this.#world = world;
    this.#one = one;
    this.#random = world.stream('freezes');
  }

  /** Plans one in the next `ms`, or none. It is over by then. */
  plan(ms: number): void {
    const random = this.#random;
    if (!random.chance(0.4)) return;
    const at = random.between(2_000, ms - 2_000);
    this.#world.after(at, () => this.#one.process?.pause(Math.min(ms - at, random.skewed(2_000, 60_000))));
  }

  heal(): void {}
}
