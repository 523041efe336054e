import type { Bus } from '@spawner/bus';
import type { Clock } from '@spawner/domain';
import { RouteState } from '@spawner/proto/internal/route';
import { BackendState } from '@spawner/proto/v1/backend';
import type { Log, ProcessIdentity } from '@spawner/service';
import type { RouteTable } from '@spawner/store';
import { Reports } from '../cluster/activity-reports.ts';
import { StateEvents } from '../cluster/waiting-events.ts';
import { Activity } from '../routing/active-requests.ts';
import { Holds } from '../routing/hold-queue.ts';
import { Gate } from '../routing/router.ts';
import type { Sessions } from '../routing/sessions.ts';
import { type Agents, Verifications } from '../routing/stale-routes.ts';
import { type SuspensionParts, Suspensions } from '../routing/suspended-routes.ts';

export interface EntranceParts {
  routes: Pick<RouteTable, 'get' | 'confirm' | 'onChange' | 'asOf' | 'agentOf' | 'presume'>;
  agents: Agents;
  bus: Bus;
  scheduler: SuspensionParts['scheduler'];
  clock: Clock;
  log: Log;
  sessions: Pick<Sessions, 'rest' | 'goodbye' | 'cut' | 'forget'>;
  process: ProcessIdentity | undefined;
  registration(): number;
}

export interface EntranceOptions {
  id: string;
  droneId: string;
  holdTimeoutMs: number;
  heldPerBackend: number;
  heldTotal: number;
  /** For how long a route counts that the store does not stand behind. */
  routesTrustedMs: number;
}

/**
 * Who may go through to a backend, who waits, and what agents are told of it: the deciding half of a
 * proxy, put together and kept in step with the routes. It knows nothing of sockets.
 */
export class Entrance {
  readonly activity: Activity;
  readonly holds: Holds;
  readonly gate: Gate;
  readonly stateEvents: StateEvents;
  readonly #parts: EntranceParts;
  readonly #suspensions: Suspensions;
  readonly #reports: Reports;
  readonly #following: { close(): void };

  constructor(options: EntranceOptions, parts: EntranceParts) {
    const { clock, routes, bus, scheduler, log, sessions, process, registration, agents } = parts;
    const { id: proxyId, droneId: ownDroneId, holdTimeoutMs, routesTrustedMs: trustedMs } = options;
    this.#parts = parts;
    const room = { perBackend: options.heldPerBackend, total: options.heldTotal };
    const activity = new Activity(clock.now());
    const holds = new Holds(clock, room);
    const suspensions = new Suspensions({ scheduler, clock, log }, (id) => holds.release(id));
    const aboutAgents = { routes, agents, clock, log, trustedMs };
    const verifications = new Verifications(aboutAgents, (id) => holds.release(id));
    this.stateEvents = new StateEvents({ routes, bus, clock }, room);
    this.activity = activity;
    this.holds = holds;
    this.#suspensions = suspensions;
    this.gate = new Gate(
      { routes, holds, suspensions, verifications, activity, clock },
      { ownDroneId, holdTimeoutMs },
    );
    const reporter = { proxyId, process, registration };
    this.#reports = new Reports(bus, activity, holds, clock, reporter, (id, epoch) => {
      suspensions.asked(id, epoch);
      sessions.rest(id);
    });
    this.#following = routes.onChange((id, row) => {
      // A request may wait for the row of its token.
      if (row && row.kind !== 'backend') holds.release(id);
      else this.#routeChanged(id);
    });
  }

  /** The backend's agent is told to look after it. */
  look(id: string): void {
    this.#reports.look(id);
  }

  /** Nobody waits any more. */
  drain(): void {
    this.holds.close();
    this.stateEvents.close();
    this.#suspensions.close();
  }

  /** Tells the agents a last time who is there. */
  async close(): Promise<void> {
    this.#following.close();
    await this.#reports.close();
  }

  #routeChanged(id: string): void {
    const { sessions } = this.#parts;
    const route = this.#parts.routes.get(id);
    this.#suspensions.routeChanged(id, route);
    this.gate.routeChanged(id);
    this.stateEvents.routeChanged(id, route);
    if (!route) {
      sessions.forget(id);
      this.activity.forget(id);
      return;
    }
    if (route.state !== RouteState.ENDED) return;
    sessions.goodbye(id);
    if (route.backendState !== BackendState.TERMINATED) return;
    sessions.cut(id);
    this.activity.forget(id);
  }
}
