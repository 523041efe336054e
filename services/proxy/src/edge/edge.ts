import { QueuePositions, SUBJECTS } from '@spawner/bus';
import { RouteState } from '@spawner/proto/internal/route';
import { BackendState } from '@spawner/proto/v1/backend';
import type { RouteTable } from '@spawner/store';
import { Reports, type ReportsParts } from '../cluster/activity-reports.ts';
import { StateEvents } from '../cluster/waiting-events.ts';
import { ActiveRequests } from '../routing/active-requests.ts';
import { type HoldLimits, HoldQueue } from '../routing/hold-queue.ts';
import { Router, type RouterOptions } from '../routing/router.ts';
import type { Sessions } from '../routing/sessions.ts';
import { type Agents, type StaleRouteParts, StaleRoutes } from '../routing/stale-routes.ts';
import { SuspendedRoutes, type SuspensionParts } from '../routing/suspended-routes.ts';

export interface EdgeParts extends SuspensionParts, Pick<ReportsParts, 'bus' | 'process' | 'registration'> {
  routes: Pick<RouteTable, 'get' | 'confirm' | 'onChange' | 'asOf' | 'agentOf' | 'presume' | 'isSilent'>;
  agents: Agents;
  sessions: Pick<Sessions, 'rest' | 'goodbye' | 'cut' | 'forget'>;
}

export interface EdgeOptions extends RouterOptions, HoldLimits, Pick<StaleRouteParts, 'routesTrustedMs'> {
  id: string;
  cluster: string;
}

/**
 * The part of a proxy that decides, without sockets: the router and what it needs, kept in step with the route table, and the
 * reports to agents. The simulation runs it as it is.
 */
export class Edge {
  readonly requests: ActiveRequests;
  readonly holds: HoldQueue;
  readonly router: Router;
  readonly stateEvents: StateEvents;
  /** Where the starts of all drones are in their queues, so that no request has to ask. */
  readonly queue: QueuePositions;
  readonly #parts: EdgeParts;
  readonly #suspended: SuspendedRoutes;
  readonly reports: Reports;
  readonly #following: readonly { close(): void }[];

  constructor(options: EdgeOptions, parts: EdgeParts) {
    const { clock, routes, sessions } = parts;
    const { id: proxyId, routesTrustedMs } = options;
    const lookAgain = (backendId: string) => holds.release(backendId);
    const suspended = new SuspendedRoutes(parts, lookAgain);
    const stale = new StaleRoutes({ ...parts, routesTrustedMs }, lookAgain);
    this.#parts = parts;
    this.requests = new ActiveRequests(clock.now());
    this.holds = new HoldQueue(clock, options);
    const { requests, holds } = this;
    this.queue = new QueuePositions(options.cluster, clock);
    this.stateEvents = new StateEvents({ ...parts, queue: this.queue }, options);
    this.router = new Router({ routes, holds, suspended, stale, requests, clock }, options);
    this.#suspended = suspended;
    this.reports = new Reports({ ...parts, proxyId, requests, holds }, (backendId, epoch) => {
      suspended.asked(backendId, epoch);
      sessions.rest(backendId);
    });
    this.#following = [
      parts.bus.subscribe(SUBJECTS.droneQueue, undefined, (message) => this.queue.take(message)),
      routes.onChange((id, row) => {
        // Rows of other kinds mean nothing here: TokenSessions follows those of tokens.
        if (row === undefined || row.kind === 'backend') this.#routeChanged(id);
      }),
    ];
  }

  /** Ends every wait. */
  drain(): void {
    this.holds.close();
    this.stateEvents.close();
    this.#suspended.close();
  }

  /** Reports to the agents a last time. */
  async close(): Promise<void> {
    for (const following of this.#following) following.close();
    await this.reports.close();
  }

  #routeChanged(backendId: string): void {
    const { sessions, routes } = this.#parts;
    const route = routes.get(backendId);
    this.#suspended.routeChanged(backendId, route);
    this.router.routeChanged(backendId);
    this.stateEvents.routeChanged(backendId, route);
    if (!route) {
      sessions.forget(backendId);
      this.requests.forget(backendId);
      return;
    }
    if (route.state !== RouteState.ENDED) return;
    sessions.goodbye(backendId);
    if (route.backendState !== BackendState.TERMINATED) return;
    sessions.cut(backendId);
    this.requests.forget(backendId);
  }
}
