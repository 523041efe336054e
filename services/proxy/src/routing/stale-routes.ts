import { type Clock, DEADLINES } from '@spawner/domain';
import type { VerifyBackendResponse } from '@spawner/proto/internal/agent_service';
import type { Endpoint } from '@spawner/proto/internal/backend_status';
import { RouteState } from '@spawner/proto/internal/route';
import { BackendState } from '@spawner/proto/v1/backend';
import { type Log, Outage } from '@spawner/service';
import type { Route, RouteTable } from '@spawner/store';
import { TIMEOUTS } from '../timeouts.ts';
import { isSameEndpoint, type Trust } from './route-decision.ts';

export interface StaleRouteParts {
  readonly routes: Pick<RouteTable, 'get' | 'asOf' | 'agentOf' | 'presume'>;
  readonly agents: Agents;
  readonly clock: Clock;
  readonly log: Log;
  /** How long a route is trusted without the store, in milliseconds. */
  readonly routesTrustedMs: number;
}

/** Asks a drone's agent, at `host:port`, for the present state of one of its backends. Rejects if it does not answer in time. */
export interface Agents {
  verify(address: string, question: { droneId: string; id: string }): Promise<VerifyBackendResponse>;
}

/** The last report of an agent about one backend. */
interface Report {
  readonly endpoint: Endpoint;
  readonly at: number;
  /** The backend is at this endpoint; otherwise the agent did not say. */
  readonly confirmed: boolean;
  /** A later question has failed at this time. */
  readonly failedAt?: number;
}

const MOST_AT_ONCE = 1_000;

/**
 * Routes that the store has not confirmed for too long: from a snapshot, or because the store has been away for minutes. Their
 * address may be another backend's by now, so the drone's agent confirms it before anything goes there, on kept connections
 * too. A confirmation counts for a while. If the agent says that the backend has ended, so does the route table from then on;
 * without an answer nothing is forwarded. One question per backend at a time.
 */
export class StaleRoutes {
  readonly #parts: StaleRouteParts;
  readonly #changed: (backendId: string) => void;
  readonly #reports = new Map<string, Report>();
  readonly #asking = new Set<string>();
  readonly #outage: Outage;
  #sweptAt = 0;

  /** `changed` is called when the requests that are held for a backend are to look again. */
  constructor(parts: StaleRouteParts, changed: (backendId: string) => void) {
    this.#parts = parts;
    this.#changed = changed;
    this.#outage = new Outage(parts.log, parts.clock, {
      begins: 'an agent does not confirm the address of a backend',
      ends: 'agents confirm the addresses of their backends again',
    });
  }

  /** Number of backends that an agent has reported on lately. */
  get size(): number {
    return this.#reports.size;
  }

  /** How far this address of a route can be trusted now. */
  trustIn({ backendId }: Route, endpoint: Endpoint): Trust {
    const { routes, clock, routesTrustedMs } = this.#parts;
    const now = clock.now();
    if (now - routes.asOf(backendId) <= routesTrustedMs) return 'trusted';
    const report = this.#reports.get(backendId);
    if (!report || !isSameEndpoint(report.endpoint, endpoint)) return 'unconfirmed';
    const age = now - report.at;
    const mayAsk = now - (report.failedAt ?? Number.NEGATIVE_INFINITY) >= TIMEOUTS.verifyRetry;
    if (!report.confirmed) return mayAsk ? 'unconfirmed' : 'unverified';
    if (age >= DEADLINES.verified) return 'unconfirmed';
    return age >= TIMEOUTS.verifyAgain && mayAsk ? 'confirm again' : 'trusted';
  }

  /** Asks the drone's agent about this address, unless it is being asked. Returns false if there is no agent to ask. */
  confirm(backendId: string, endpoint: Endpoint): boolean {
    if (this.#asking.has(backendId)) return true;
    const { routes } = this.#parts;
    const route = routes.get(backendId);
    const address = route && routes.agentOf(route.droneId);
    if (!address || this.#asking.size >= MOST_AT_ONCE) return false;
    this.#asking.add(backendId);
    void this.#ask(address, route, endpoint).finally(() => {
      this.#asking.delete(backendId);
      this.#changed(backendId);
    });
    return true;
  }

  async #ask(address: string, route: Route, endpoint: Endpoint): Promise<void> {
    const { agents, clock } = this.#parts;
    const { backendId, droneId } = route;
    try {
      this.#take(route, endpoint, await agents.verify(address, { droneId, id: backendId }));
      this.#outage.over();
    } catch (error) {
      this.#outage.failed(error, { backend: backendId, drone: droneId });
      const now = clock.now();
      const before = this.#reports.get(backendId);
      // A confirmation that still counts stays.
      const counts = before?.confirmed && now - before.at < DEADLINES.verified;
      const unconfirmed = { endpoint, at: now, confirmed: false, failedAt: now };
      this.#keep(backendId, counts ? { ...before, failedAt: now } : unconfirmed, now);
    }
  }

  #take(asked: Route, endpoint: Endpoint, answer: VerifyBackendResponse): void {
    const { routes, clock, log } = this.#parts;
    const { backendId } = asked;
    const route = routes.get(backendId);
    // A newer route has come meanwhile.
    if (!route || route.epoch !== asked.epoch || route.state !== RouteState.OPEN) return;
    const { state: backendState, local, network, endReason } = answer;
    if (backendState >= BackendState.TERMINATING) {
      log.info(
        { backend: backendId, reason: endReason },
        'the agent reports the end of a backend of an old route',
      );
      this.#reports.delete(backendId);
      routes.presume({ ...route, state: RouteState.ENDED, backendState, endReason });
      return;
    }
    const now = clock.now();
    const isReady = backendState === BackendState.READY;
    if (!isReady) this.#keep(backendId, { endpoint, at: now, confirmed: false, failedAt: now }, now);
    else if ([local, network].some((each) => each && isSameEndpoint(each, endpoint)))
      this.#keep(backendId, { endpoint, at: now, confirmed: true }, now);
    else routes.presume({ ...route, local, network });
  }

  /** Also removes the reports that have expired. */
  #keep(backendId: string, report: Report, now: number): void {
    this.#reports.set(backendId, report);
    if (now - this.#sweptAt < DEADLINES.verified) return;
    this.#sweptAt = now;
    for (const [other, { at }] of this.#reports)
      if (now - at >= DEADLINES.verified) this.#reports.delete(other);
  }
}
