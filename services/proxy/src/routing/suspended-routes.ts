import { type Clock, DEADLINES } from '@spawner/domain';
import { type SchedulerServiceService, SettleOutcome } from '@spawner/proto/internal/scheduler_service';
import { EndReason } from '@spawner/proto/v1/backend';
import type { RpcClient } from '@spawner/rpc';
import type { Log } from '@spawner/service';
import type { Route } from '@spawner/store';
import { TIMEOUTS } from '../timeouts.ts';
import type { EdgeAnswer } from './route-decision.ts';

/**
 * Ends for idleness that are being settled (ARCHITECTURE.md, "Idle"), as far as this proxy has a part in them: from an
 * agent's question on it lets nothing through to the backend, also where its routes lag behind, and the
 * first request that it holds takes the suspension back. What the store said of a suspension counts as
 * long as no newer route is seen.
 */
export interface SuspensionParts {
  readonly scheduler: Pick<RpcClient<typeof SchedulerServiceService>, 'settleRoute'>;
  readonly clock: Clock;
  readonly log: Log;
}

interface Suspension {
  readonly epoch: number;
  /** The question holds until then, unless a newer route ends it. */
  holdsUntil: number;
  asking: boolean;
  outcome: SettleOutcome;
}

export class Suspensions {
  readonly #parts: SuspensionParts;
  readonly #known = new Map<string, Suspension>();
  readonly #changed: (id: string) => void;
  readonly #over = new AbortController();

  /** `changed` is called when the held requests of a backend are to look again. */
  constructor(parts: SuspensionParts, changed: (id: string) => void) {
    this.#parts = parts;
    this.#changed = changed;
  }

  get size(): number {
    return this.#known.size;
  }

  /** An agent asks about the suspension of this epoch: nothing new is let through from this moment. */
  asked(id: string, epoch: number): void {
    const now = this.#parts.clock.now();
    for (const [other, { holdsUntil, asking }] of this.#known)
      if (now >= holdsUntil && !asking) this.#known.delete(other);
    const present = this.#known.get(id);
    if (epoch === 0 || (present && present.epoch > epoch)) return;
    const known = present?.epoch === epoch ? present : fresh(epoch);
    known.holdsUntil = now + DEADLINES.suspension;
    this.#known.set(id, known);
  }

  /** The edge's answer with what is known of suspensions that the route does not tell yet. */
  over(route: Route | undefined, answer: EdgeAnswer): EdgeAnswer {
    const known = route && this.#known.get(route.backendId);
    if (!known || route.epoch > known.epoch || (answer.kind !== 'forward' && answer.kind !== 'hold'))
      return answer;
    if (known.outcome === SettleOutcome.ENDED) return { kind: 'gone', reason: EndReason.IDLE };
    const ownHold = answer.kind === 'hold' && (!answer.suspension || route.epoch === known.epoch);
    const holds = known.outcome !== SettleOutcome.OPEN && this.#parts.clock.now() < known.holdsUntil;
    if (ownHold || !holds) return answer;
    const { epoch, holdsUntil: until } = known;
    return { kind: 'hold', state: route.backendState, suspension: { epoch, until } };
  }

  /** A request is held for this suspension: the route is to come back. Asked once, and again where that failed. */
  resume(id: string, epoch: number): void {
    const present = this.#known.get(id);
    const known = present && present.epoch >= epoch ? present : fresh(epoch);
    if (known.epoch !== epoch || known.asking || known.outcome !== SettleOutcome.UNSPECIFIED) return;
    known.asking = true;
    this.#known.set(id, known);
    void this.#ask(id, known);
  }

  /** Of this route; nothing for one that is not known any more. */
  routeChanged(id: string, route: Route | undefined): void {
    const known = this.#known.get(id);
    if (known && (!route || route.epoch > known.epoch)) this.#known.delete(id);
  }

  close(): void {
    this.#over.abort(new Error('the proxy is closing'));
  }

  async #ask(id: string, known: Suspension): Promise<void> {
    const { scheduler, clock, log } = this.#parts;
    const { signal } = this.#over;
    try {
      const request = { backendId: id, epoch: known.epoch, end: false };
      const { outcome } = await scheduler.settleRoute(request, { timeoutMs: DEADLINES.settle, signal });
      known.outcome = outcome;
    } catch (error) {
      if (!signal.aborted) log.warn({ error, backend: id }, 'a suspended route could not be given back');
    }
    if (known.outcome === SettleOutcome.UNSPECIFIED)
      await clock.sleep(TIMEOUTS.settleRetry, signal).catch(() => {});
    known.asking = false;
    this.#changed(id);
  }
}

function fresh(epoch: number): Suspension {
  return { epoch, holdsUntil: 0, asking: false, outcome: SettleOutcome.UNSPECIFIED };
}
