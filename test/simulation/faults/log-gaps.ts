import type { MemoryRedis } from '../../memory-redis/memory-redis.ts';
import { KEYS } from '../parts/scheduler.ts';
import type { Network } from '../world/network.ts';
import type { Random } from '../world/random.ts';
import type { World } from '../world/world.ts';

const LAG_MS = 3_000;

/**
 * A reader of the route log that falls behind while the log is trimmed, so that the entry after its last one is gone. In a
 * log of ordinary length, that takes thousands of changes in a few seconds.
 */
export class LogGaps {
  readonly #world: World;
  readonly #network: Network;
  readonly #memory: MemoryRedis;
  readonly #readers: readonly { readonly name: string }[];
  readonly #random: Random;
  /** How many readers are behind. */
  #behind = 0;
  #healed = false;

  constructor(
    world: World,
    network: Network,
    memory: MemoryRedis,
    readers: readonly { readonly name: string }[],
  ) {
    this.#world = world;
    this.#network = network;
    this.#memory = memory;
    this.#readers = readers;
    this.#random = world.stream('log gaps');
  }

  /** Plans some of the next `ms`, or none. */
  plan(ms: number): void {
    const random = this.#random;
    if (!random.chance(0.5)) return;
    for (let count = 2 + random.below(4); count > 0; count--) {
      const { name } = random.pick(this.#readers);
      const lasts = random.between(1_000, LAG_MS);
      // Late, because most other faults make a reader load the whole table again.
      this.#world.after(random.between(0.6 * ms, ms), () => this.#fallBehind(name, lasts));
    }
  }

  /** Those that are behind now find a gap. */
  heal(): void {
    this.#healed = true;
    if (this.#behind > 0) this.#trim();
  }

  /** The entries of this time are gone before the reader asks for them. */
  #fallBehind(reader: string, ms: number): void {
    if (this.#healed) return;
    this.#world.count('log-gaps');
    this.#network.lag(reader, 'redis', LAG_MS);
    this.#behind++;
    this.#world.after(ms, () => {
      this.#behind--;
      if (!this.#healed) this.#trim();
      this.#network.lag(reader, 'redis', 0);
    });
  }

  #trim(): void {
    this.#memory.trimStream(KEYS.routeLog, 1);
  }
}
