import { endpointFor } from '@spawner/cluster';
import type { Endpoint } from '@spawner/proto/internal/backend_status';
import { RouteState } from '@spawner/proto/internal/route';
import { Access, type BackendState, type EndReason } from '@spawner/proto/v1/backend';
import type { Route } from '@spawner/store';

/**
 * The edge's one decision (ARCHITECTURE.md, "Use"): what a route means for a request to its host. `unreachable` is a
 * ready backend that this proxy has no way to: it sits on another drone that publishes nothing. What is held as `unverified` waits
 * until its agent was asked whether it is still at that address.
 */
export type EdgeAnswer =
  | { kind: 'forward'; endpoint: Endpoint; droneId: string }
  | { kind: 'hold'; state: BackendState; suspension?: SuspensionHold; unverified?: Endpoint }
  | { kind: 'gone'; reason: EndReason }
  | { kind: 'unreachable' }
  /** It wants a connection token. */
  | { kind: 'guarded' }
  | { kind: 'unknown' }
  /** Its route is old, and its agent does not say whether it still holds. */
  | { kind: 'unverified' };

/** An end for idleness is being settled; a request that comes takes it back. */
export interface SuspensionHold {
  epoch: number;
  /** Clock time at which it is over without any news. */
  until?: number;
}

/**
 * What to do with a request for this route; `ownDroneId` is the drone whose LOCAL addresses we reach, or empty, and
 * `admitted` says that the request came with a token that is good here.
 */
export function edgeAnswer(route: Route | undefined, ownDroneId: string, admitted = false): EdgeAnswer {
  if (!route) return { kind: 'unknown' };
  if (route.access === Access.TOKEN && !admitted) return { kind: 'guarded' };
  switch (route.state) {
    case RouteState.PENDING:
      return { kind: 'hold', state: route.backendState };
    case RouteState.SUSPENDED:
      return { kind: 'hold', state: route.backendState, suspension: { epoch: route.epoch } };
    case RouteState.ENDED:
      return { kind: 'gone', reason: route.endReason };
    case RouteState.OPEN: {
      const endpoint = endpointFor(route, ownDroneId);
      return endpoint ? { kind: 'forward', endpoint, droneId: route.droneId } : { kind: 'unreachable' };
    }
    default:
      return { kind: 'unknown' };
  }
}
