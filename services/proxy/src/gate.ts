import type { Clock } from '@spawner/domain';
import type { Route } from '@spawner/proto/internal/route';
import type { BackendState } from '@spawner/proto/v1/backend';
import { type EdgeAnswer, edgeAnswer } from './edge.ts';
import type { Holds } from './hold.ts';

/**
 * Lets a request through to its backend, or says why not: asks the route, and where it says to wait,
 * waits for as long as this kind of request is held.
 */
export type Passage =
  | Exclude<EdgeAnswer, { kind: 'hold' }>
  | { kind: 'late'; state: BackendState }
  | { kind: 'waiting'; state: BackendState }
  | { kind: 'full' }
  | { kind: 'closed' }
  | { kind: 'left' };

export interface GateRequest {
  backendId: string;
  navigation: boolean;
  patienceMs: number | undefined;
}

export interface GateOptions {
  ownDroneId: string;
  holdTimeoutMs: number;
}

/** A browser's navigation waits this long before it gets a page that waits in its place. */
const NAVIGATION_PATIENCE_MS = 1_000;

export class Gate {
  readonly #routes: { get(id: string): Route | undefined };
  readonly #holds: Holds;
  readonly #clock: Clock;
  readonly #options: GateOptions;

  constructor(
    routes: { get(id: string): Route | undefined },
    holds: Holds,
    clock: Clock,
    options: GateOptions,
  ) {
    this.#routes = routes;
    this.#holds = holds;
    this.#clock = clock;
    this.#options = options;
  }

  /** The route of this backend changed: whoever waits for it looks again, if there is something new to see. */
  routeChanged(id: string): void {
    if (this.#answer(id).kind !== 'hold') this.#holds.release(id);
  }

  /** Never rejects, and resolves within the hold timeout. The signal means that the client has left. */
  async pass(request: GateRequest, signal: AbortSignal): Promise<Passage> {
    const { holdTimeoutMs } = this.#options;
    const asked = request.navigation ? NAVIGATION_PATIENCE_MS : (request.patienceMs ?? holdTimeoutMs);
    const until = this.#clock.now() + Math.min(asked, holdTimeoutMs);
    for (;;) {
      const answer = this.#answer(request.backendId);
      if (answer.kind !== 'hold') return answer;
      const left = until - this.#clock.now();
      const kind = request.navigation ? 'waiting' : 'late';
      if (left <= 0) return { kind, state: answer.state };
      const outcome = await this.#holds.wait(request.backendId, left, signal);
      if (outcome === 'full' || outcome === 'left' || outcome === 'closed') return { kind: outcome };
      if (outcome === 'timeout') return this.#afterTimeout(request.backendId, kind);
    }
  }

  #afterTimeout(id: string, kind: 'waiting' | 'late'): Passage {
    const answer = this.#answer(id);
    return answer.kind === 'hold' ? { kind, state: answer.state } : answer;
  }

  #answer(id: string): EdgeAnswer {
    return edgeAnswer(this.#routes.get(id), this.#options.ownDroneId);
  }
}
