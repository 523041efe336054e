import { type Clock, DEADLINES } from '@spawner/domain';
import { type SchedulerServiceService, SettleOutcome } from '@spawner/proto/internal/scheduler_service';
import type { RpcClient } from '@spawner/rpc';
import type { Log } from '@spawner/service';
import type { Route } from '@spawner/store';
import { TIMEOUTS } from '../timeouts.ts';
import type { KnownSuspension } from './route-decision.ts';

export interface SuspensionParts {
  readonly scheduler: Pick<RpcClient<typeof SchedulerServiceService>, 'settleRoute'>;
  readonly clock: Clock;
  readonly log: Log;
}

interface Suspension extends KnownSuspension {
  /** The scheduler is being asked to resume the route. */
  asking: boolean;
}

/**
 * Idle shutdowns that are being settled (ARCHITECTURE.md, "Idle"), as far as this proxy takes part in them. From an agent's
 * question on nothing new reaches the backend, even if the route table is behind, and the first request that is held resumes
 * the route. The scheduler's answer counts until a newer route is seen.
 */
export class SuspendedRoutes {
  readonly #parts: SuspensionParts;
  readonly #known = new Map<string, Suspension>();
  readonly #changed: (backendId: string) => void;
  readonly #over = new AbortController();

  /** `changed` is called when the requests that are held for a backend are to look again. */
  constructor(parts: SuspensionParts, changed: (backendId: string) => void) {
    this.#parts = parts;
    this.#changed = changed;
  }

  get size(): number {
    return this.#known.size;
  }

  /** An agent asks about the suspension of this epoch: nothing new reaches the backend from this moment. */
  asked(backendId: string, epoch: number): void {
    const now = this.#parts.clock.now();
    for (const [other, { until, asking }] of this.#known)
      if (now >= until && !asking) this.#known.delete(other);
    const present = this.#known.get(backendId);
    if (epoch === 0 || (present && present.epoch > epoch)) return;
    const known = present?.epoch === epoch ? present : this.#newSuspension(epoch);
    known.until = now + DEADLINES.suspension;
    this.#known.set(backendId, known);
  }

  /** The suspension that counts for this route now; undefined if there is none, it has lapsed, or the route is newer. */
  suspensionOf({ backendId, epoch }: Route): KnownSuspension | undefined {
    const known = this.#known.get(backendId);
    if (!known || epoch > known.epoch || known.outcome === SettleOutcome.OPEN) return undefined;
    const counts = known.outcome === SettleOutcome.ENDED || this.#parts.clock.now() < known.until;
    return counts ? known : undefined;
  }

  /** Asks the scheduler to resume the route, for a request that is held. Asks once, and again if that failed. */
  resume(backendId: string, epoch: number): void {
    const present = this.#known.get(backendId);
    const known = present && present.epoch >= epoch ? present : this.#newSuspension(epoch);
    if (known.epoch !== epoch || known.asking || known.outcome !== SettleOutcome.UNSPECIFIED) return;
    known.asking = true;
    this.#known.set(backendId, known);
    void this.#ask(backendId, known);
  }

  /** `route`: the backend's new route; undefined if it is unknown from now on. */
  routeChanged(backendId: string, route: Route | undefined): void {
    const known = this.#known.get(backendId);
    if (known && (!route || route.epoch > known.epoch)) this.#known.delete(backendId);
  }

  close(): void {
    this.#over.abort(new Error('the proxy is closing'));
  }

  /** It and the scheduler's answer are remembered until it lapses. */
  #newSuspension(epoch: number): Suspension {
    const until = this.#parts.clock.now() + DEADLINES.suspension;
    return { epoch, until, asking: false, outcome: SettleOutcome.UNSPECIFIED };
  }

  async #ask(backendId: string, known: Suspension): Promise<void> {
    const { scheduler, clock, log } = this.#parts;
    const { signal } = this.#over;
    try {
      const request = { backendId, epoch: known.epoch, end: false };
      const { outcome } = await scheduler.settleRoute(request, { timeoutMs: DEADLINES.settle, signal });
      known.outcome = outcome;
    } catch (error) {
      if (!signal.aborted) log.warn({ error, backend: backendId }, 'a suspended route could not be resumed');
    }
    if (known.outcome === SettleOutcome.UNSPECIFIED)
      await clock.sleep(TIMEOUTS.settleRetry, signal).catch(() => {});
    known.asking = false;
    this.#changed(backendId);
  }
}
