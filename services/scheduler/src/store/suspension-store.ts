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
import { SCRIPTS } from '@spawner/store';
import type { Parts } from '../parts.ts';
import { NEW_EPOCH } from './absence.ts';

const OUTCOMES = {
  open: SettleOutcome.OPEN,
  ended: SettleOutcome.ENDED,
  unknown: SettleOutcome.UNSPECIFIED,
} as const;

type SuspensionStoreParts = Pick<Parts, 'epoch' | 'metrics'>;

const NOT_SUSPENDED: SuspendRouteResponse = { suspended: false, epoch: 0, proxies: [] };

/**
 * The two compare-and-sets of an idle shutdown (ARCHITECTURE.md, "Idle"). A route is suspended, then resumed or ended; the
 * first call decides. An end is in the store, with its stop order, before the agent stops anything.
 */
export class SuspensionStore {
  readonly #parts: SuspensionStoreParts;

  constructor(parts: SuspensionStoreParts) {
    this.#parts = parts;
  }

  /** Suspends an open route for its drone, and returns the proxies that can reach the backend. */
  async suspend(id: string, drone: string, registration: number): Promise<SuspendRouteResponse> {
    const args = { id, drone, registration, suspensionMs: DEADLINES.suspension };
    const answer = await this.#parts.epoch.run(SCRIPTS.suspend, args);
    if (answer === 'refused') return NOT_SUSPENDED;
    if (answer === 'window') return { ...NOT_SUSPENDED, refusal: NEW_EPOCH };
    const proxies = answer.proxies
      .filter(({ silentMs }) => silentMs <= DEADLINES.proxyForgotten)
      .map(({ node, silentMs }) => ({ ...Node.decode(node), lapsed: silentMs > DEADLINES.renewalsMissed }));
    return {
      suspended: true,
      epoch: answer.epoch,
      proxies: reachableBy(BackendRoute.decode(answer.route), proxies),
    };
  }

  /** Settles the suspension of this epoch. The first call decides; UNSPECIFIED if the store cannot tell. */
  async settle(id: string, epoch: number, end: boolean): Promise<SettleOutcome> {
    const order = StopOrder.encode({ id, force: false, reason: EndReason.IDLE }).finish();
    const outcome = end ? 'end' : 'open';
    const answer = await this.#parts.epoch.run(SCRIPTS.settle, {
      id,
      epoch,
      outcome,
      order: Buffer.from(order),
    });
    this.#parts.metrics.settled(answer);
    return OUTCOMES[answer];
  }
}
