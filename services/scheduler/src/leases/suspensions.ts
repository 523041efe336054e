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
import { SCRIPTS, type StoreEpoch } from '@spawner/store';
import { STORE_BEGAN_ANEW } from '../spawn/holder.ts';

const OUTCOMES = {
  open: SettleOutcome.OPEN,
  ended: SettleOutcome.ENDED,
  unknown: SettleOutcome.UNSPECIFIED,
} as const;

const NOT_SUSPENDED: SuspendRouteResponse = { suspended: false, epoch: 0, proxies: [] };
/**
 * The two compare-and-sets of an end for idleness (ARCHITECTURE.md, "Idle"): a route is suspended, then either given
 * back or ended, by whoever comes first. The end stands in the store, as a stop order too, before its
 * agent stops anything.
 */
export class Suspensions {
  readonly #epoch: StoreEpoch;
  readonly #settled = counter('spawner.scheduler.settlements', 'Suspended routes settled, by outcome');

  constructor(epoch: StoreEpoch) {
    this.#epoch = epoch;
  }

  /** Suspends an open route for its drone; names the proxies that can reach the backend. */
  async suspend(id: string, drone: string, registration: number): Promise<SuspendRouteResponse> {
    const args = { id, drone, registration, suspensionMs: DEADLINES.suspension };
    const answer = await this.#epoch.run(SCRIPTS.suspend, args);
    if (answer === 'refused') return NOT_SUSPENDED;
    if (answer === 'window') return { ...NOT_SUSPENDED, refusal: STORE_BEGAN_ANEW };
    const proxies = answer.proxies
      .filter(({ silentMs }) => silentMs <= DEADLINES.proxyForgotten)
      .map(({ node, silentMs }) => ({ ...Node.decode(node), lapsed: silentMs > DEADLINES.renewalsMissed }));
    return {
      suspended: true,
      epoch: answer.epoch,
      proxies: reachableBy(BackendRoute.decode(answer.route), proxies),
    };
  }

  /** Ends the suspension of this epoch. The first call decides; UNSPECIFIED where the store cannot tell. */
  async settle(id: string, epoch: number, end: boolean): Promise<SettleOutcome> {
    const order = StopOrder.encode({ id, force: false, reason: EndReason.IDLE }).finish();
    const outcome = end ? 'end' : 'open';
    const answer = await this.#epoch.run(SCRIPTS.settle, { id, epoch, outcome, order: Buffer.from(order) });
    this.#settled({ outcome: answer });
    return OUTCOMES[answer];
  }
}
