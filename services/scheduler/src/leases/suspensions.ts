import { reachableBy } from '@spawner/cluster';
import { DEADLINES } from '@spawner/domain';
import { Node } from '@spawner/proto/internal/node';
import { BackendRoute } from '@spawner/proto/internal/route';
import {
  SettleOutcome,
  StopOrder,
  type SuspendRouteResponse,
} from '@spawner/proto/internal/scheduler_service';
import { EndReason } from '@spawner/proto/v1/backend';
import { counter } from '@spawner/service';
import type { Keys, StoreEpoch } from '@spawner/store';
import { STORE_BEGAN_ANEW } from '../spawn/holder.ts';

const OUTCOMES: Readonly<Record<string, SettleOutcome>> = {
  open: SettleOutcome.OPEN,
  ended: SettleOutcome.ENDED,
};

const NOT_SUSPENDED: SuspendRouteResponse = { suspended: false, epoch: 0, proxies: [] };
/**
 * The two compare-and-sets of an end for idleness (ARCHITECTURE.md, "Idle"): a route is suspended, then either given
 * back or ended, by whoever comes first. The end stands in the store, as a stop order too, before its
 * agent stops anything.
 */
export class Suspensions {
  readonly #keys: Keys;
  readonly #epoch: StoreEpoch;
  readonly #settled = counter('spawner.scheduler.settlements', 'Suspended routes settled, by outcome');

  constructor(keys: Keys, epoch: StoreEpoch) {
    this.#keys = keys;
    this.#epoch = epoch;
  }

  /** Suspends an open route for its drone; names the proxies that can reach the backend. */
  async suspend(id: string, drone: string, registration: number): Promise<SuspendRouteResponse> {
    const args = [id, drone, registration, this.#keys.nodes('proxy'), DEADLINES.suspension];
    const answer = await this.#epoch.run('suspend', args);
    if (!Array.isArray(answer))
      return answer === null ? NOT_SUSPENDED : { ...NOT_SUSPENDED, refusal: STORE_BEGAN_ANEW };
    const [epoch, route, ...rest] = answer as [Buffer, Buffer, ...Buffer[]];
    const proxies: Node[] = [];
    for (let at = 0; at + 1 < rest.length; at += 2) {
      const silence = Number(String(rest[at + 1]));
      const node = Node.decode(rest[at] as Buffer);
      if (silence <= DEADLINES.proxyForgotten)
        proxies.push({ ...node, lapsed: silence > DEADLINES.renewalsMissed });
    }
    return {
      suspended: true,
      epoch: Number(String(epoch)),
      proxies: reachableBy(BackendRoute.decode(route), proxies),
    };
  }

  /** Ends the suspension of this epoch. The first call decides; UNSPECIFIED where the store cannot tell. */
  async settle(id: string, epoch: number, end: boolean): Promise<SettleOutcome> {
    const order = StopOrder.encode({ id, force: false, reason: EndReason.IDLE }).finish();
    const args = [id, epoch, end ? 'end' : 'open', Buffer.from(order)];
    const answer = String(await this.#epoch.run('settle', args));
    this.#settled({ outcome: answer });
    return OUTCOMES[answer] ?? SettleOutcome.UNSPECIFIED;
  }
}
