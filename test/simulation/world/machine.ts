import type { Clock } from '@spawner/domain';
import type { Process } from './process.ts';
import type { World } from './world.ts';

/** The wall time at which a world begins. */
const EPOCH = Date.UTC(2026, 0, 1);

/** A machine whose clock has its own start and a speed between 0.9 and 1.1. */
export class Machine {
  readonly name: string;
  readonly #offset: number;
  readonly #rate: number;

  constructor(name: string, world: World) {
    this.name = name;
    this.#offset = world.random.between(0, 1e9);
    const { random } = world;
    this.#rate = random.chance(0.7) ? random.pick([0.9, 1.1]) : random.between(0.9, 1.1);
  }

  /** How long `ms` of this machine's clock are in truth. */
  trueTime(ms: number): number {
    return ms / this.#rate;
  }

  now(world: World): number {
    return this.at(world.now);
  }

  /** The time on this machine's clock at a true time. */
  at(trueTime: number): number {
    return this.#offset + trueTime * this.#rate;
  }

  clockOf(process: Process, world: World): Clock {
    return {
      now: () => this.now(world),
      wall: () => new Date(EPOCH + world.now * this.#rate),
      sleep: (ms, signal) =>
        new Promise((resolve, reject) => {
          if (signal?.aborted) return reject(signal.reason);
          if (!signal || signal === process.never) {
            world.after(this.trueTime(ms), resolve, process);
            return;
          }
          const abort = () => {
            event.run = undefined;
            reject(signal.reason);
          };
          const event = world.after(
            this.trueTime(ms),
            () => {
              signal.removeEventListener('abort', abort);
              resolve();
            },
            process,
          );
          signal.addEventListener('abort', abort, { once: true });
        }),
    };
  }
}
