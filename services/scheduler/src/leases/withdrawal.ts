import { DEADLINES } from '@spawner/domain';
import { Node } from '@spawner/proto/internal/node';
import { Route } from '@spawner/proto/internal/route';
import {
  SettleOutcome,
  StopOrder,
  type WithdrawRouteResponse,
} from '@spawner/proto/internal/scheduler_service';
import { EndReason } from '@spawner/proto/v1/backend';
import { counter } from '@spawner/service';
import type { Keys, StoreEpoch } from '@spawner/store';
import { STORE_BEGAN_ANEW } from '../spawn/holder.ts';

const OUTCOMES: Readonly<Record<string, SettleOutcome>> = {
  open: SettleOutcome.OPEN,
  ended: SettleOutcome.ENDED,
};

const NOT_WITHDRAWN: WithdrawRouteResponse = { withdrawn: false, epoch: 0, proxies: [] };
/**
 * The two compare-and-sets of an end for idleness (ARCHITECTURE.md, "Idle"): a route is withdrawn, then either given
 * back or ended, by whoever comes first. The end stands in the store, as a stop order too, before its
 * agent stops anything.
 */
export class Withdrawals {
  readonly #keys: Keys;
  readonly #epoch: StoreEpoch;
  readonly #settled = counter('spawner.scheduler.settlements', 'Withdrawn routes settled, by outcome');

  constructor(keys: Keys, epoch: StoreEpoch) {
    this.#keys = keys;
    this.#epoch = epoch;
  }

  /** Withdraws an open route for its drone; names the proxies that can reach the backend. */
  async withdraw(id: string, drone: string, registration: number): Promise<WithdrawRouteResponse> {
    const args = [id, drone, registration, this.#keys.nodes('proxy'), DEADLINES.withdrawal];
    const answer = await this.#epoch.run('withdraw', args);
    if (!Array.isArray(answer))
      return answer === null ? NOT_WITHDRAWN : { ...NOT_WITHDRAWN, refusal: STORE_BEGAN_ANEW };
    const [epoch, route, ...rest] = answer as [Buffer, Buffer, ...Buffer[]];
    const proxies: Node[] = [];
    for (let at = 0; at + 1 < rest.length; at += 2) {
      const silence = Number(String(rest[at + 1]));
      const node = Node.decode(rest[at] as Buffer);
      if (silence <= DEADLINES.proxyForgotten)
        proxies.push({ ...node, lapsed: silence > DEADLINES.renewalsMissed });
    }
    return {
      withdrawn: true,
      epoch: Number(String(epoch)),
      proxies: reaching(Route.decode(route), proxies),
    };
  }

  /** Ends the withdrawal of this epoch. The first call decides; UNSPECIFIED where the store cannot tell. */
  async settle(id: string, epoch: number, end: boolean): Promise<SettleOutcome> {
    const order = StopOrder.encode({ id, force: false, reason: EndReason.IDLE }).finish();
    const args = [id, epoch, end ? 'end' : 'open', Buffer.from(order)];
    const answer = String(await this.#epoch.run('settle', args));
    this.#settled({ outcome: answer });
    return OUTCOMES[answer] ?? SettleOutcome.UNSPECIFIED;
  }
}

/** A backend without a network address is reached by the proxies of its own drone alone. */
function reaching({ droneId, network }: Route, proxies: readonly Node[]): Node[] {
  return network ? [...proxies] : proxies.filter((proxy) => proxy.droneId === droneId);
}
