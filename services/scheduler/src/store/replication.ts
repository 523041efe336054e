import { type Redis, SCRIPTS, type StoreEpoch } from '@spawner/store';

const WAIT_MS = 1_000;
/** A connection that fails meanwhile does so within this time. */
const ANSWER_MS = 2 * WAIT_MS;

/**
 * Whether acquisitions of keys stand on enough replicas, so that a failover does not lose them. On a connection of its
 * own: WAIT holds up what is sent behind it. One wait serves all who asked before it began.
 */
export class Replication {
  readonly #redis: Redis;
  readonly #epoch: StoreEpoch;
  readonly #replicas: number;
  #running: Promise<boolean> = Promise.resolve(true);
  #next: Promise<boolean> | undefined;

  constructor(redis: Redis, epoch: StoreEpoch, replicas: number) {
    this.#redis = redis;
    this.#epoch = epoch;
    this.#replicas = replicas;
  }

  /** Waits for so many replicas; for 0 of them on no further connection. */
  static async open(redis: Redis, epoch: StoreEpoch, replicas: number): Promise<Replication> {
    return new Replication(replicas === 0 ? redis : await redis.duplicate(), epoch, replicas);
  }

  /** Returns within two seconds whether enough replicas have the placement of this tick. Does not reject. */
  async confirmed(placement: number): Promise<boolean> {
    if (this.#replicas === 0) return true;
    this.#next ??= this.#running.then(() => {
      this.#running = this.#next ?? this.#running;
      this.#next = undefined;
      return this.#wait();
    });
    // A placement older than the store epoch may have been lost with the store before it.
    return (await this.#next) && placement > this.#epoch.current;
  }

  async close(): Promise<void> {
    if (this.#replicas > 0) await this.#redis.close();
  }

  /**
   * WAIT counts from the last write of its own connection: a tick, drawn after what is to be confirmed. Another one after
   * it tells that it was the same store that was asked.
   */
  async #wait(): Promise<boolean> {
    const epoch = this.#epoch.current;
    const tick = () => this.#epoch.runIn(epoch, SCRIPTS.drawTick, { given: 0 }, this.#redis);
    try {
      await tick();
      const command = ['WAIT', String(this.#replicas), String(WAIT_MS)];
      const [count] = await Promise.all([this.#redis.send(command, { timeoutMs: ANSWER_MS }), tick()]);
      return Number(count) >= this.#replicas;
    } catch {
      return false;
    }
  }
}
