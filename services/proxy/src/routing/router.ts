import type { Clock } from '@spawner/domain';
import type { Endpoint } from '@spawner/proto/internal/backend_status';
import { RouteState } from '@spawner/proto/internal/route';
import { BackendState } from '@spawner/proto/v1/backend';
import type { Route, RouteTable } from '@spawner/store';
import { TIMEOUTS } from '../timeouts.ts';
import type { ActiveRequest, ActiveRequests } from './active-requests.ts';
import type { HoldQueue } from './hold-queue.ts';
import { decideRoute, type LocalKnowledge, type RouteDecision } from './route-decision.ts';
import type { StaleRoutes } from './stale-routes.ts';
import type { SuspendedRoutes } from './suspended-routes.ts';

/** The outcome for a request: a final decision, or the end of its wait for one. */
export type RouteOutcome =
  | Exclude<RouteDecision, { kind: 'forward' | 'hold' | 'suspended' | 'unconfirmed' }>
  | { kind: 'forward'; endpoint: Endpoint; ownPort: number; droneId: string; active: ActiveRequest }
  /** The client's patience, or the hold timeout, is over. */
  | { kind: 'late'; state: BackendState }
  /** The same for a navigation, which gets a page that waits in its place. */
  | { kind: 'waiting'; state: BackendState }
  /** The store cannot tell whether there is such a backend. */
  | { kind: 'unsure' }
  /** The hold queue has no room. */
  | { kind: 'full' }
  /** The proxy is draining. */
  | { kind: 'closed' }
  /** The client has left. */
  | { kind: 'left' };

/** How long a request may be held, and whether it has a token. */
export interface RouteOptions {
  /** A browser that loads a page; it is held for a moment only. */
  navigation: boolean;
  /** How long the client is ready to wait; undefined for as long as the proxy holds. */
  patienceMs: number | undefined;
  /** Whether the request has a valid connection token; asked again after every wait. */
  admitted?: () => boolean;
}

export interface RouterParts {
  routes: Pick<RouteTable, 'get' | 'confirm' | 'isSilent' | 'asOf'>;
  holds: HoldQueue;
  suspended: Pick<SuspendedRoutes, 'suspensionOf' | 'resume'>;
  stale: Pick<StaleRoutes, 'trustIn' | 'confirm'>;
  requests: Pick<ActiveRequests, 'begin'>;
  clock: Clock;
}

export interface RouterOptions {
  /** The drone whose local addresses this proxy reaches; empty for none. */
  droneId: string;
  /** Counted from the beginning of the backend's own start. */
  holdTimeoutMs: number;
}

/**
 * Takes a request to a decision that is final: it acts on the decisions that are not, and holds the request meanwhile. A
 * forwarded request is counted in the same step as its decision, so an agent that asks (ARCHITECTURE.md, "Idle") finds it
 * either counted or held.
 */
export class Router {
  readonly #parts: RouterParts;
  readonly #holdTimeoutMs: number;
  readonly #local: LocalKnowledge;

  constructor(parts: RouterParts, { droneId, holdTimeoutMs }: RouterOptions) {
    const { suspended, stale } = parts;
    this.#parts = parts;
    this.#holdTimeoutMs = holdTimeoutMs;
    this.#local = {
      droneId,
      suspensionOf: (route: Route) => suspended.suspensionOf(route),
      trustIn: (route: Route, endpoint: Endpoint) => stale.trustIn(route, endpoint),
    };
  }

  /** Lets the requests that are held for this backend look again, if its new route means something else. */
  routeChanged(backendId: string): void {
    const { kind } = this.#decide(backendId, true);
    if (kind === 'hold' ? !this.#isQueued(backendId) : kind !== 'unconfirmed')
      this.#parts.holds.release(backendId);
  }

  /** The outcome if it is to forward at once and without a token; undefined otherwise. */
  routeNow(backendId: string): Extract<RouteOutcome, { kind: 'forward' }> | undefined {
    const decision = this.#decide(backendId, false);
    return decision.kind === 'forward' ? this.#forward(backendId, decision) : undefined;
  }

  /**
   * Never rejects, and resolves within the hold timeout. That does not run while the backend waits for its start, for at most
   * `queueHold`. The signal says that the client has left.
   */
  async route(backendId: string, options: RouteOptions, signal: AbortSignal): Promise<RouteOutcome> {
    const { clock, holds, routes, suspended, stale } = this.#parts;
    const { navigation, patienceMs = TIMEOUTS.queueHold, admitted = () => false } = options;
    const patience = navigation ? TIMEOUTS.navigationHold : patienceMs;
    const latest = clock.now() + Math.min(patience, TIMEOUTS.queueHold);
    let until = Math.min(latest, clock.now() + this.#holdTimeoutMs);
    let confirmed = false;
    let isHeld = false;
    for (;;) {
      let decision = this.#decide(backendId, admitted());
      if (decision.kind === 'unknown' && !confirmed) {
        const confirmation = await routes.confirm(backendId);
        if (confirmation === 'absent') return decision;
        if (confirmation === 'unsure') return { kind: 'unsure' };
        confirmed = true;
        decision = this.#decide(backendId, admitted());
      }
      // The store has a route that the table has yet to read.
      if (decision.kind === 'unknown') decision = { kind: 'hold', state: BackendState.SCHEDULED };
      let lapses = until;
      switch (decision.kind) {
        case 'forward': {
          const forward = this.#forward(backendId, decision);
          if (isHeld) forward.active.wasHeld(clock.now());
          return forward;
        }
        case 'hold':
          isHeld = true;
          break;
        case 'suspended':
          suspended.resume(backendId, decision.epoch);
          lapses = decision.until ?? until;
          break;
        case 'unconfirmed':
          if (!stale.confirm(backendId, decision.endpoint)) return { kind: 'unverified' };
          break;
        default:
          return decision;
      }
      const now = clock.now();
      if (now >= until) return late(decision, navigation);
      const isQueued = this.#isQueued(backendId);
      const end = await holds.wait(backendId, Math.min(until, lapses) - now, signal);
      if (isQueued) until = Math.min(latest, clock.now() + this.#holdTimeoutMs);
      if (end === 'full' || end === 'left' || end === 'closed') return { kind: end };
    }
  }

  /** Whether the backend waits for its image or its start on a drone that renews, as far as the store said a moment ago. */
  #isQueued(backendId: string): boolean {
    const { routes, clock } = this.#parts;
    const route = routes.get(backendId);
    if (route?.state !== RouteState.PENDING || route.backendState >= BackendState.STARTING) return false;
    return !routes.isSilent(route.droneId) && clock.now() - routes.asOf(backendId) < this.#holdTimeoutMs;
  }

  #forward(backendId: string, decision: RouteDecision & { kind: 'forward' }) {
    const { kind, endpoint, ownPort, droneId, confirmAgain } = decision;
    if (confirmAgain) this.#parts.stale.confirm(backendId, endpoint);
    return { kind, endpoint, ownPort, droneId, active: this.#parts.requests.begin(backendId, droneId) };
  }

  #decide(backendId: string, admitted: boolean): RouteDecision {
    return decideRoute(this.#parts.routes.get(backendId), this.#local, admitted);
  }
}

function late(
  decision: Extract<RouteDecision, { kind: 'hold' | 'suspended' | 'unconfirmed' }>,
  navigation: boolean,
): RouteOutcome {
  if (decision.kind === 'unconfirmed') return { kind: 'unverified' };
  return { kind: navigation ? 'waiting' : 'late', state: decision.state };
}
