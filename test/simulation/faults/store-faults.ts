import { createHash } from 'node:crypto';
import type { MemoryRedis } from '../../memory-redis/memory-redis.ts';
import type { World } from '../world/world.ts';

export const LOSSES = ['flushed', 'emptied', 'restarted', 'failed over', 'older copy'] as const;
export type Loss = (typeof LOSSES)[number];

const COPY_EVERY_MS = 1_500;
const COPIES = 12;

/** The losses of a store's data. The copies belong to a replica that is a little behind, and to older backups. */
export class StoreFaults {
  readonly #world: World;
  readonly #memory: MemoryRedis;
  readonly #lost: () => void;
  readonly #copies: ReturnType<MemoryRedis['snapshot']>[] = [];
  #lives = 0;

  /** `lost` is called at each fault. */
  constructor(world: World, memory: MemoryRedis, lost: () => void) {
    this.#world = world;
    this.#memory = memory;
    this.#lost = lost;
  }

  /** Takes copies from now on, to have older ones later. */
  keepCopies(): void {
    this.#world.after(COPY_EVERY_MS, () => {
      this.#copies.push(this.#memory.snapshot());
      if (this.#copies.length > COPIES) this.#copies.shift();
      this.keepCopies();
    });
  }

  happen(loss: Loss): void {
    this.#world.note(loss, 'redis');
    this.#lost();
    const runId = runIdOf(this.#world.seed, ++this.#lives);
    const copy = loss === 'failed over' ? this.#copies.at(-1) : this.#world.random.pick(this.#copies);
    if (loss === 'flushed') this.#memory.flushAll();
    else if (loss === 'emptied' || loss === 'restarted' || !copy)
      this.#memory.restart(runId, loss !== 'emptied');
    else this.#memory.restore(copy, runId);
  }
}

/** As Redis names its processes. */
export function runIdOf(seed: number, life: number): string {
  return createHash('sha1').update(`${seed}/${life}`).digest('hex');
}
