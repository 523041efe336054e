import { AppError, DEADLINES } from '@spawner/domain';
import { type SchedulerServiceService, SettleOutcome } from '@spawner/proto/internal/scheduler_service';
import { BackendState, EndReason } from '@spawner/proto/v1/backend';
import type { RpcClient } from '@spawner/rpc';
import { Outage } from '@spawner/service';
import type { Backend } from '../lifecycle/backend.ts';
import type { Metrics } from '../metrics.ts';
import { Inquiry, type InquiryParts, RuntimeUnavailable } from './inquiry.ts';
import { causeOf } from './refused-ends.ts';
import { type Evidence, settlement, withLastUses } from './settlement.ts';
import { isDue } from './usage.ts';

export interface SettlerParts extends InquiryParts {
  readonly scheduler: Pick<RpcClient<typeof SchedulerServiceService>, 'suspendRoute' | 'settleRoute'>;
  readonly droneId: string;
  readonly metrics: Metrics;
}

/** A route that is suspended for an attempt, and when the attempt began. */
interface Suspension {
  readonly epoch: number;
  readonly began: number;
}

/** Each attempt suspends a route for a moment. Further backends wait for the next turn. */
const MOST_AT_ONCE = 32;
const IN_TIME = { timeoutMs: DEADLINES.settle };
/** Pause after an attempt that could not be made. */
const REST_MS = 1_000;

/**
 * Idle shutdown (ARCHITECTURE.md, "Idle"): suspends the route, asks the proxies and the kernel, and stops the backend only
 * after the store has taken its end. If anything fails on the way, the route is resumed. If that fails too, the scheduler
 * resumes it after DEADLINES.suspension.
 */
export class Settler {
  readonly #parts: SettlerParts;
  readonly #inquiry: Inquiry;
  readonly #busy = new Set<string>();
  readonly #restingUntil = new Map<string, number>();
  readonly #outage: Outage;

  constructor(parts: SettlerParts) {
    this.#parts = parts;
    this.#inquiry = new Inquiry(parts);
    this.#outage = new Outage(parts.log, parts.clock, {
      begins: 'idle shutdowns cannot be settled',
      ends: 'idle shutdowns can be settled again',
    });
  }

  /** Starts an attempt for every backend whose idle clock has run out, as far as there is room. Does not wait for it. */
  turn(): void {
    const { clock, drone } = this.#parts;
    if (drone.registration === 0) return;
    for (const [id, until] of this.#restingUntil) if (clock.now() >= until) this.#restingUntil.delete(id);
    for (const backend of drone.living()) {
      const { id } = backend;
      if (this.#busy.size >= MOST_AT_ONCE) return;
      if (!this.#isDue(backend) || this.#busy.has(id) || this.#restingUntil.has(id)) continue;
      this.#busy.add(id);
      this.#attempt(backend)
        .then(() => this.#outage.over())
        .catch((error: unknown) => {
          this.#outage.failed(error, { backend: id });
          const unavailable = error instanceof RuntimeUnavailable ? 'runtime' : 'store';
          backend.refused(`the ${unavailable} could not be asked`);
          this.#rest(id);
        })
        .finally(() => this.#busy.delete(id));
    }
  }

  async #attempt(backend: Backend): Promise<void> {
    const { clock, scheduler, drone, droneId, log } = this.#parts;
    const began = clock.now();
    const request = { droneId, registration: drone.registration, backendId: backend.id };
    const { suspended, epoch, proxies, refusal } = await scheduler.suspendRoute(request, IN_TIME);
    if (!suspended) {
      const because = refusal ?? 'its route could not be suspended';
      log.info({ backend: backend.id, because }, 'not ended: its route could not be suspended');
      backend.refused(because);
      return this.#rest(backend.id);
    }
    try {
      await this.#decide(backend, { epoch, began }, await this.#inquiry.gather(backend, epoch, proxies));
    } catch (error) {
      await this.#settleRoute(backend, epoch, false);
      throw error;
    }
  }

  async #decide(backend: Backend, suspension: Suspension, evidence: Evidence): Promise<void> {
    const { clock, metrics, log } = this.#parts;
    const now = clock.now();
    // The backend's usage includes the reports that arrived during the inquiry.
    const known = withLastUses(backend.usage, evidence, now);
    const { end, because, usage } = settlement(known, evidence, backend.life.terms.idleTimeoutMs, now);
    const inTime = now - suspension.began <= DEADLINES.settlement;
    backend.usage = usage;
    if (end && inTime && this.#isDue(backend)) return this.#end(backend, suspension);
    const reason = inTime ? because : 'late';
    const silent = evidence.testimonies.filter(({ reply }) => !reply).map(({ proxyId }) => proxyId);
    log.info({ backend: backend.id, because: reason, silent }, 'not ended: in use');
    metrics.settled('use');
    backend.refused(causeOf(reason, evidence));
    await this.#settleRoute(backend, suspension.epoch, false);
  }

  /** Asks the store to take the end. A proxy may have resumed the route first, for a request. */
  async #end(backend: Backend, { epoch, began }: Suspension): Promise<void> {
    const { metrics, log } = this.#parts;
    const outcome = await this.#settleRoute(backend, epoch, true);
    if (outcome === SettleOutcome.ENDED) return;
    if (outcome !== SettleOutcome.OPEN)
      throw new AppError('unavailable', 'the store does not know the outcome of a suspension');
    log.info({ backend: backend.id, because: 'request' }, 'not ended: a request came meanwhile');
    metrics.settled('use');
    backend.refused('a request came meanwhile');
    // The request began after the suspension. The proxy reports when it is over.
    backend.usage = { ...backend.usage, activeAt: Math.max(backend.usage.activeAt, began) };
  }

  /** Settles the suspension, and stops the backend if the store has its end, no matter who settled it. */
  async #settleRoute(backend: Backend, epoch: number, end: boolean): Promise<SettleOutcome> {
    const { scheduler, metrics } = this.#parts;
    const { outcome } = await scheduler.settleRoute({ backendId: backend.id, epoch, end }, IN_TIME);
    if (outcome === SettleOutcome.ENDED) {
      metrics.settled('end');
      if (backend.life.status.state === BackendState.READY)
        backend.take({ type: 'stop', reason: EndReason.IDLE, force: false });
    }
    return outcome;
  }

  #rest(id: string): void {
    this.#restingUntil.set(id, this.#parts.clock.now() + REST_MS);
  }

  #isDue({ life, usage }: Backend): boolean {
    if (life.status.state !== BackendState.READY) return false;
    return isDue(usage, life.terms.idleTimeoutMs, this.#parts.clock.now());
  }
}
