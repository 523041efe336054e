import { AppError, type Clock, DEADLINES, mapBounded } from '@spawner/domain';
import { endsWithLease } from '@spawner/proto';
import { EndReason } from '@spawner/proto/v1/backend';
import type { Log } from '@spawner/service';
import type { Backends } from '../spawn/backends.ts';
import type { BackendStore } from '../store/backend-store.ts';
import type { NodeStore } from '../store/node-store.ts';
import type { BackendRecord } from '../store/record.ts';

const ENDS_AT_ONCE = 64;

/**
 * What becomes of the backends of a drone that renews no more. Its agent has ended the strictly keyed ones
 * by itself, on its own clock, before their keys are given away here; the others may be running, and stay
 * until the drone comes back or is given up. A drone that returns is told to stop what ended here.
 */
export class Leases {
  readonly #nodes: NodeStore;
  readonly #store: BackendStore;
  readonly #backends: Backends;
  readonly #clock: Clock;
  readonly #log: Log;

  constructor(nodes: NodeStore, store: BackendStore, backends: Backends, clock: Clock, log: Log) {
    this.#nodes = nodes;
    this.#store = store;
    this.#backends = backends;
    this.#clock = clock;
    this.#log = log;
  }

  /** A drone's renewals are due: where it has missed them, the edge hears of it. */
  async miss(drone: string): Promise<void> {
    if (await this.#nodes.miss(drone)) this.#log.warn({ drone }, 'a drone has missed its renewals');
  }

  /** A drone's lease is due: its strictly keyed backends end as LEASE_LOST, and their keys are free. */
  async lapse(drone: string): Promise<void> {
    if (!(await this.#nodes.lapse(drone))) return;
    this.#log.warn({ drone }, 'a drone has lost its lease');
    const detail = `drone ${drone} did not renew its lease`;
    await this.#end(drone, EndReason.LEASE_LOST, detail, DEADLINES.leaseGiveAway, isStrict);
    await this.#nodes.lapse(drone, 'done');
  }

  /** A drone is given up: all that it had ends as DRONE_LOST. The ids that ended, or nothing when it renewed meanwhile. */
  async giveUp(drone: string, silentMs: number = DEADLINES.droneForgotten): Promise<string[] | undefined> {
    const detail = `drone ${drone} did not come back`;
    if ((await this.#nodes.silence(drone)) < silentMs) return undefined;
    const ended = await this.#end(drone, EndReason.DRONE_LOST, detail, silentMs, () => true);
    if (!(await this.#nodes.forgetDrone(drone, silentMs))) return undefined;
    this.#log.warn({ drone, ended: ended.length }, 'a drone was given up');
    return ended;
  }

  /** An operator's word that a drone will not come back. Throws `failed_precondition` while it renews. */
  async forget(drone: string): Promise<string[]> {
    if ((await this.#nodes.silence(drone)) === Number.POSITIVE_INFINITY)
      throw new AppError('not_found', `no drone ${drone}`);
    const ended = await this.giveUp(drone, DEADLINES.renewalsMissed);
    if (!ended) throw new AppError('failed_precondition', `drone ${drone} renews its lease`);
    return ended;
  }

  async #end(
    drone: string,
    reason: EndReason,
    detail: string,
    silentMs: number,
    concerned: (record: BackendRecord) => boolean,
  ): Promise<string[]> {
    const ended = await mapBounded(await this.#store.living(drone), ENDS_AT_ONCE, async (id) => {
      const record = await this.#store.get(id);
      if (!record || !concerned(record)) return [];
      if (!(await this.#store.abandon(record, 'any', reason, detail, this.#clock.wall(), { silentMs })))
        return [];
      await this.#backends.announce(id);
      return [id];
    });
    return ended.flat();
  }
}

/** Whether a record's backend ends with its drone's lease. */
export function isStrict({ key, summary }: BackendRecord): boolean {
  return endsWithLease(summary.onLeaseLoss, key);
}
