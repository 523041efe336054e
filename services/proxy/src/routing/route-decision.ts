import { endpointFor } from '@spawner/cluster';
import type { Endpoint } from '@spawner/proto/internal/backend_status';
import { RouteState } from '@spawner/proto/internal/route';
import { SettleOutcome } from '@spawner/proto/internal/scheduler_service';
import { Access, BackendState, EndReason, type Pages } from '@spawner/proto/v1/backend';
import type { Route } from '@spawner/store';

/** The meaning of a route, and of this proxy's own knowledge, for a request to the backend. */
export type RouteDecision =
  /** `confirmAgain`: the confirmation of an old route expires soon. */
  | { kind: 'forward'; endpoint: Endpoint; ownPort: number; droneId: string; confirmAgain: boolean }
  /** The backend is not ready: the request is held. */
  | { kind: 'hold'; state: BackendState }
  /** An idle shutdown is being settled: the request is held and resumes the route. `until`: clock time at which it lapses. */
  | { kind: 'suspended'; state: BackendState; epoch: number; until: number | undefined }
  /** The route is old: the request is held until the drone's agent has confirmed the address. */
  | { kind: 'unconfirmed'; state: BackendState; endpoint: Endpoint }
  /** The route is old, and the drone's agent does not say whether it still holds. */
  | { kind: 'unverified' }
  /** The backend is ending or has ended: every 410 comes from here. */
  | { kind: 'gone'; state: BackendState; reason: EndReason; pages: Pages | undefined }
  /** The backend is on another drone and publishes no address. */
  | { kind: 'unreachable' }
  | { kind: 'token required' }
  | { kind: 'unknown' };

/** A suspension of a route that this proxy has heard of before the route table has, or of which it knows more. */
export interface KnownSuspension {
  readonly epoch: number;
  /** Clock time at which it lapses unless a newer route ends it. */
  until: number;
  /** The scheduler's answer to this proxy; UNSPECIFIED before there is one. */
  outcome: SettleOutcome;
}

/** How far the address of a route can be trusted. */
export type Trust = 'trusted' | 'confirm again' | 'unconfirmed' | 'unverified';

/** This proxy's knowledge beyond the route table. These questions have no effects. */
export interface LocalKnowledge {
  /** The drone whose local addresses this proxy reaches; empty for none. */
  readonly droneId: string;
  /** The suspension that counts for this route now; undefined if there is none, or the route is newer. */
  suspensionOf(route: Route): KnownSuspension | undefined;
  trustIn(route: Route, endpoint: Endpoint): Trust;
}

/** The edge's one decision (ARCHITECTURE.md, "Use"). `admitted`: the request has a valid connection token. Pure. */
export function decideRoute(
  route: Route | undefined,
  local: LocalKnowledge,
  admitted: boolean,
): RouteDecision {
  if (!route) return { kind: 'unknown' };
  if (route.access === Access.TOKEN && !admitted) return { kind: 'token required' };
  const { state, backendState, pages } = route;
  if (state === RouteState.ENDED)
    return { kind: 'gone', state: backendState, reason: route.endReason, pages };
  const endpoint = endpointFor(route, local.droneId);
  if (state === RouteState.OPEN && !endpoint) return { kind: 'unreachable' };
  const suspension = local.suspensionOf(route);
  if (suspension?.outcome === SettleOutcome.ENDED)
    return { kind: 'gone', state: BackendState.TERMINATING, reason: EndReason.IDLE, pages };
  if (state === RouteState.PENDING) return { kind: 'hold', state: backendState };
  const isSuspended = state === RouteState.SUSPENDED;
  if (!isSuspended && state !== RouteState.OPEN) return { kind: 'unknown' };
  if (suspension && (!isSuspended || suspension.epoch > route.epoch))
    return { kind: 'suspended', state: backendState, epoch: suspension.epoch, until: suspension.until };
  if (isSuspended) return { kind: 'suspended', state: backendState, epoch: route.epoch, until: undefined };
  if (!endpoint) return { kind: 'unreachable' };
  const trust = local.trustIn(route, endpoint);
  if (trust === 'unverified') return { kind: 'unverified' };
  if (trust === 'unconfirmed') return { kind: 'unconfirmed', state: backendState, endpoint };
  const { local: own = endpoint, droneId } = route;
  return { kind: 'forward', endpoint, ownPort: own.port, droneId, confirmAgain: trust === 'confirm again' };
}

/** Whether both are the same address. */
export function isSameEndpoint(one: Endpoint, other: Endpoint): boolean {
  return one === other || (one.port === other.port && one.host === other.host);
}
