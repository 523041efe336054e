import type { Clock } from '@spawner/domain';
import { BackendState } from '@spawner/proto/v1/backend';
import type { RouteTable } from '@spawner/store';
import { TIMEOUTS } from '../timeouts.ts';
import type { Activity, Exchange } from './active-requests.ts';
import type { Holds } from './hold-queue.ts';
import { type EdgeAnswer, edgeAnswer } from './route-decision.ts';
import type { Verifications } from './stale-routes.ts';
import type { Suspensions } from './suspended-routes.ts';

/**
 * Lets a request through to its backend, or says why not: asks the route, and where it says to wait,
 * waits for as long as this kind of request is held. A request that is let through is counted in the same
 * step as the decision, so that an agent's question (ARCHITECTURE.md, "Idle") finds it counted or finds it held.
 */
export type Passage =
  | Exclude<EdgeAnswer, { kind: 'hold' | 'forward' }>
  | (Extract<EdgeAnswer, { kind: 'forward' }> & { exchange: Exchange })
  | { kind: 'late'; state: BackendState }
  | { kind: 'waiting'; state: BackendState }
  /** Nobody can tell whether there is such a backend. */
  | { kind: 'unsure' }
  | { kind: 'full' }
  | { kind: 'closed' }
  | { kind: 'left' };

export interface GateRequest {
  backendId: string;
  navigation: boolean;
  patienceMs: number | undefined;
  /** Whether it may go to a backend that wants a token; asked again after every wait. */
  admitted?: () => boolean;
}

export interface GateParts {
  routes: Pick<RouteTable, 'get' | 'confirm'>;
  holds: Holds;
  suspensions: Pick<Suspensions, 'over' | 'resume'>;
  verifications: Pick<Verifications, 'over' | 'ask'>;
  activity: Pick<Activity, 'begin'>;
  clock: Clock;
}

export interface GateOptions {
  ownDroneId: string;
  holdTimeoutMs: number;
}

export class Gate {
  readonly #parts: GateParts;
  readonly #options: GateOptions;

  constructor(parts: GateParts, options: GateOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  /** The route of this backend changed: whoever waits for it looks again, if there is something new to see. */
  routeChanged(id: string): void {
    const answer = this.#answer(id, true);
    if (answer.kind !== 'hold' || answer.suspension) this.#parts.holds.release(id);
  }

  /** The same decision where it can be made at once and without a token: through to the backend, or nothing. */
  passNow(backendId: string): Extract<Passage, { kind: 'forward' }> | undefined {
    const answer = this.#answer(backendId);
    if (answer.kind !== 'forward') return undefined;
    const { kind, endpoint, droneId } = answer;
    return { kind, endpoint, droneId, exchange: this.#parts.activity.begin(backendId, droneId) };
  }

  /** Never rejects, and resolves within the hold timeout. The signal means that the client has left. */
  async pass(request: GateRequest, signal: AbortSignal): Promise<Passage> {
    const { clock, holds, routes, suspensions, verifications, activity } = this.#parts;
    const { holdTimeoutMs } = this.#options;
    const asked = request.navigation ? TIMEOUTS.navigationHold : (request.patienceMs ?? holdTimeoutMs);
    const until = clock.now() + Math.min(asked, holdTimeoutMs);
    let confirmed = false;
    for (;;) {
      const admitted = request.admitted?.() ?? false;
      let answer = this.#answer(request.backendId, admitted);
      if (answer.kind === 'unknown') {
        const confirmation = confirmed ? 'known' : await routes.confirm(request.backendId);
        if (confirmation === 'absent') return answer;
        if (confirmation === 'unsure') return { kind: 'unsure' };
        confirmed = true;
        answer = this.#answer(request.backendId, admitted);
        // The table is behind: its news will come.
        if (answer.kind === 'unknown') answer = { kind: 'hold', state: BackendState.SCHEDULED };
      }
      if (answer.kind === 'forward')
        return { ...answer, exchange: activity.begin(request.backendId, answer.droneId) };
      if (answer.kind !== 'hold') return answer;
      if (answer.suspension) suspensions.resume(request.backendId, answer.suspension.epoch);
      const { unverified } = answer;
      if (unverified && !verifications.ask(request.backendId, unverified)) return { kind: 'unverified' };
      const now = clock.now();
      const left = until - now;
      if (left <= 0)
        return unverified ? { kind: 'unverified' } : { kind: lateKind(request), state: answer.state };
      const news = (answer.suspension?.until ?? until) - now;
      const outcome = await holds.wait(request.backendId, Math.min(left, news), signal);
      if (outcome === 'full' || outcome === 'left' || outcome === 'closed') return { kind: outcome };
    }
  }

  #answer(id: string, admitted = false): EdgeAnswer {
    const route = this.#parts.routes.get(id);
    const { suspensions, verifications } = this.#parts;
    const answer = suspensions.over(route, edgeAnswer(route, this.#options.ownDroneId, admitted));
    return verifications.over(route, answer);
  }
}

function lateKind({ navigation }: GateRequest): 'waiting' | 'late' {
  return navigation ? 'waiting' : 'late';
}
