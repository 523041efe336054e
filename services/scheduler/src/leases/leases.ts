import { AppError, DEADLINES, mapBounded } from '@spawner/domain';
import { endsWithLease } from '@spawner/proto';
import { EndReason } from '@spawner/proto/v1/backend';
import type { Parts } from '../parts.ts';
import type { BackendRecord } from '../store/record.ts';

const ENDS_AT_ONCE = 64;

type LeasesParts = Pick<Parts, 'store' | 'nodes' | 'announce' | 'clock' | 'log'>;

/**
 * Ends the backends of a drone that no longer renews. Its agent has stopped the strictly keyed ones on its own clock before
 * their keys are given away here. The others may be running, and stay until the drone returns or is forgotten. A drone that
 * returns gets stop orders for the backends that ended here.
 */
export class Leases {
  readonly #parts: LeasesParts;

  constructor(parts: LeasesParts) {
    this.#parts = parts;
  }

  /** The renewals of a drone are due. If it has missed them, a row among the routes says so to the edge. */
  async miss(drone: string): Promise<void> {
    if (await this.#parts.nodes.miss(drone))
      this.#parts.log.warn({ drone }, 'a drone has missed its renewals');
  }

  /** The lease of a drone is due. If it is lost, its strictly keyed backends end as LEASE_LOST and their keys are free. */
  async lapse(drone: string): Promise<void> {
    if (!(await this.#parts.nodes.lapse(drone))) return;
    this.#parts.log.warn({ drone }, 'a drone has lost its lease');
    const end = { reason: EndReason.LEASE_LOST, detail: `drone ${drone} did not renew its lease` };
    await this.#end(drone, end, DEADLINES.leaseGiveAway, isStrict);
    await this.#parts.nodes.lapse(drone, 'done');
  }

  /** Forgets a drone: its backends end as DRONE_LOST. Returns their ids, or undefined if the drone has renewed meanwhile. */
  async forget(drone: string, silentMs: number = DEADLINES.droneForgotten): Promise<string[] | undefined> {
    if ((await this.#parts.nodes.silence(drone)) < silentMs) return undefined;
    const end = { reason: EndReason.DRONE_LOST, detail: `drone ${drone} did not come back` };
    const ended = await this.#end(drone, end, silentMs, () => true);
    if (!(await this.#parts.nodes.forgetDrone(drone, silentMs))) return undefined;
    this.#parts.log.warn({ drone, ended: ended.length }, 'a drone was forgotten');
    return ended;
  }

  /** Forgets a drone at the request of an operator. Throws `not_found`, or `failed_precondition` while it renews. */
  async forgetAtRequest(drone: string): Promise<string[]> {
    if ((await this.#parts.nodes.silence(drone)) === Number.POSITIVE_INFINITY)
      throw new AppError('not_found', `no drone ${drone}`);
    const ended = await this.forget(drone, DEADLINES.renewalsMissed);
    if (!ended) throw new AppError('failed_precondition', `drone ${drone} renews its lease`);
    return ended;
  }

  async #end(
    drone: string,
    { reason, detail }: { reason: EndReason; detail: string },
    silentMs: number,
    concerned: (record: BackendRecord) => boolean,
  ): Promise<string[]> {
    const { store, announce, clock } = this.#parts;
    const ended = await mapBounded(await store.living(drone), ENDS_AT_ONCE, async (id) => {
      const record = await store.get(id);
      if (!record || !concerned(record)) return [];
      const end = { reason, detail, now: clock.wall() };
      if (!(await store.abandon(record, 'any', end, { silentMs }))) return [];
      await announce(id);
      return [id];
    });
    return ended.flat();
  }
}

/** Whether a record's backend ends with its drone's lease. */
export function isStrict({ key, summary }: BackendRecord): boolean {
  return endsWithLease(summary.onLeaseLoss, key);
}
