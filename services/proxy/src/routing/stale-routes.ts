import { type Clock, DEADLINES } from '@spawner/domain';
import type { VerifyBackendResponse } from '@spawner/proto/internal/agent_service';
import type { Endpoint } from '@spawner/proto/internal/backend_status';
import { RouteState } from '@spawner/proto/internal/route';
import { BackendState } from '@spawner/proto/v1/backend';
import { type Log, Outage } from '@spawner/service';
import type { Route, RouteTable } from '@spawner/store';
import { TIMEOUTS } from '../timeouts.ts';
import { isSameEndpoint } from './endpoint.ts';
import type { EdgeAnswer } from './route-decision.ts';

/**
 * Routes that nobody has stood behind for too long: of a copy that was kept on disk, or of a store that has been away
 * for minutes. Their address may be another backend's by now, so the drone's agent is asked before anything goes there,
 * a kept connection included. Its yes counts for a while and is asked for again, beside the requests, before it runs
 * out; after its no the route is an ended one; without an answer nothing is forwarded. One question per backend at a time.
 */
export interface VerificationParts {
  readonly routes: Pick<RouteTable, 'get' | 'asOf' | 'agentOf' | 'presume'>;
  readonly agents: Agents;
  readonly clock: Clock;
  readonly log: Log;
  /** For how long, in milliseconds, a route counts without the store. */
  readonly trustedMs: number;
}

/** Asks a drone's agent, at `host:port`, what one of its backends is now. Rejects when it does not answer in time. */
export interface Agents {
  verify(address: string, question: { droneId: string; id: string }): Promise<VerifyBackendResponse>;
}

interface Word {
  readonly endpoint: Endpoint;
  readonly saidAt: number;
  /** It is there; else the agent did not say. */
  readonly yes: boolean;
  /** Since then a question has failed. */
  readonly failedAt?: number;
}

const MOST_AT_ONCE = 1_000;

export class Verifications {
  readonly #parts: VerificationParts;
  readonly #changed: (id: string) => void;
  readonly #words = new Map<string, Word>();
  readonly #asking = new Set<string>();
  readonly #outage: Outage;
  #sweptAt = 0;

  /** `changed` is called when those who wait for a backend's verification are to look again. */
  constructor(parts: VerificationParts, changed: (id: string) => void) {
    this.#parts = parts;
    this.#changed = changed;
    this.#outage = new Outage(parts.log, parts.clock, {
      begins: 'an agent does not say whether its backend is there',
      ends: 'agents say again whether their backends are there',
    });
  }

  /** How many backends an agent has spoken of lately. */
  get size(): number {
    return this.#words.size;
  }

  /** The edge's answer with what is known of the route's truth: to be held until an agent was asked, or not to be told. */
  over(route: Route | undefined, answer: EdgeAnswer): EdgeAnswer {
    if (answer.kind !== 'forward' || !route) return answer;
    const { routes, clock, trustedMs } = this.#parts;
    const { backendId: id } = route;
    const now = clock.now();
    if (now - routes.asOf(id) <= trustedMs) return answer;
    const word = this.#words.get(id);
    const { endpoint } = answer;
    const toVerify: EdgeAnswer = { kind: 'hold', state: route.backendState, unverified: endpoint };
    if (!word || !isSameEndpoint(word.endpoint, endpoint)) return toVerify;
    const age = now - word.saidAt;
    const rested = now - (word.failedAt ?? Number.NEGATIVE_INFINITY) >= TIMEOUTS.verifyRetry;
    if (!word.yes) return rested ? toVerify : { kind: 'unverified' };
    if (age >= DEADLINES.verified) return toVerify;
    if (age >= TIMEOUTS.verifyAgain && rested) this.ask(id, endpoint);
    return answer;
  }

  /** Asks, unless that is under way; false where nobody can be asked. */
  ask(id: string, endpoint: Endpoint): boolean {
    if (this.#asking.has(id)) return true;
    const { routes } = this.#parts;
    const route = routes.get(id);
    const address = route && routes.agentOf(route.droneId);
    if (!address || this.#asking.size >= MOST_AT_ONCE) return false;
    this.#asking.add(id);
    void this.#ask(address, route, endpoint).finally(() => {
      this.#asking.delete(id);
      this.#changed(id);
    });
    return true;
  }

  async #ask(address: string, route: Route, endpoint: Endpoint): Promise<void> {
    const { agents, clock } = this.#parts;
    const { backendId: id, droneId } = route;
    try {
      this.#take(route, endpoint, await agents.verify(address, { droneId, id }));
      this.#outage.over();
    } catch (error) {
      this.#outage.failed(error, { backend: id, drone: droneId });
      const now = clock.now();
      const before = this.#words.get(id);
      // A yes that still counts is not taken back.
      const counts = before?.yes && now - before.saidAt < DEADLINES.verified;
      this.#keep(
        id,
        counts ? { ...before, failedAt: now } : { endpoint, saidAt: now, yes: false, failedAt: now },
        now,
      );
    }
  }

  #take(asked: Route, endpoint: Endpoint, said: VerifyBackendResponse): void {
    const { routes, clock, log } = this.#parts;
    const { backendId: id } = asked;
    const route = routes.get(id);
    // Somebody else has told more meanwhile.
    if (!route || route.epoch !== asked.epoch || route.state !== RouteState.OPEN) return;
    const { state: backendState, local, network, endReason } = said;
    if (backendState >= BackendState.TERMINATING) {
      log.info({ backend: id, reason: endReason }, 'its agent says that a backend of an old route has ended');
      this.#words.delete(id);
      routes.presume({ ...route, state: RouteState.ENDED, backendState, endReason });
      return;
    }
    const there = backendState === BackendState.READY;
    const here = there && [local, network].some((each) => each && isSameEndpoint(each, endpoint));
    const now = clock.now();
    if (here) this.#keep(id, { endpoint, saidAt: now, yes: true }, now);
    else if (there) routes.presume({ ...route, local, network });
    else this.#keep(id, { endpoint, saidAt: now, yes: false, failedAt: now }, now);
  }

  /** What nobody has asked for again goes. */
  #keep(id: string, word: Word, now: number): void {
    this.#words.set(id, word);
    if (now - this.#sweptAt < DEADLINES.verified) return;
    this.#sweptAt = now;
    for (const [other, { saidAt }] of this.#words)
      if (now - saidAt >= DEADLINES.verified) this.#words.delete(other);
  }
}
