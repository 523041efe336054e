import type { QueuePositions } from '@spawner/bus';
import type { Clock } from '@spawner/domain';
import { RouteState } from '@spawner/proto/internal/route';
import type { RouteTable } from '@spawner/store';
import type { StateEvents } from '../cluster/waiting-events.ts';
import type { Metrics } from '../metrics.ts';
import type { ActiveRequests } from '../routing/active-requests.ts';
import type { HoldQueue } from '../routing/hold-queue.ts';
import { RestartHold } from '../routing/restart-hold.ts';
import type { RouteOutcome, Router } from '../routing/router.ts';
import type { TokenHolder } from '../tokens/token-check.ts';
import type { TokenSessions, TokenVerdict } from '../tokens/token-sessions.ts';
import { credentialsOf, tokenCookie } from '../tokens/token-sources.ts';
import { endReply } from './end-reply.ts';
import type { PageSettings, SessionEnd } from './pages/own-pages.ts';
import { STATE_EVENTS_PATH } from './pages/patient-page.ts';
import { isPreflight, preflighted } from './preflight.ts';
import type { RateLimits } from './rate-limits.ts';
import { handOver, REPLIES, type Reply, redirectToHttps, replyTo } from './replies.ts';
import {
  type Decision,
  type EdgeRequest,
  type Failure,
  type Forward,
  isNavigation,
  isSecure,
  patienceOf,
  waitsForRestart,
  wantsPage,
} from './request.ts';

export interface PolicyParts {
  router: Pick<Router, 'route' | 'routeNow'>;
  tokens: Pick<TokenSessions, 'check' | 'isValid' | 'keep'>;
  routes: Pick<RouteTable, 'get' | 'isSilent'>;
  limits: Pick<RateLimits, 'admit'>;
  stateEvents: Pick<StateEvents, 'hasRoom' | 'follow'>;
  queue: Pick<QueuePositions, 'of'>;
  requests: Pick<ActiveRequests, 'open'>;
  holds: Pick<HoldQueue, 'wait'>;
  metrics: Pick<Metrics, 'upstreamFailed'>;
  /** Logs why a backend's answer cannot be forwarded. */
  complaints: { complain(backendId: string, objection: string): void };
  clock: Clock;
  /** Asks the backend's agent to look at a backend that could not be reached. */
  look(backendId: string): void;
}

export interface PolicyOptions extends PageSettings {
  openPerBackend: number;
  /** How long requests wait while their backend's program restarts. */
  restartHoldMs: number;
  /** The public HTTPS port if plain HTTP is redirected to it. */
  redirectPort(): number | undefined;
}

type Routed = Exclude<RouteOutcome, { kind: 'forward' }> | Forward | Extract<Decision, { kind: 'reply' }>;

/** The one policy of the edge: redirect, limits, tokens, route and open limit, in this order, for both transports. */
export class EdgePolicy {
  readonly #parts: PolicyParts;
  readonly #options: PolicyOptions;

  constructor(parts: PolicyParts, options: PolicyOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  /**
   * The decision if it is to forward without waiting and without a token. Otherwise undefined, and nothing is counted, so
   * that `decide` may be asked the same. The raw transport's hot path: it allocates nothing but the decision.
   */
  decideNow(request: EdgeRequest): Forward | undefined {
    const { backendId } = request;
    const { router, limits, clock } = this.#parts;
    if (backendId === undefined || this.#redirectPort(request) !== undefined) return undefined;
    if (this.#isFull(backendId, 1)) return undefined;
    const forward = router.routeNow(backendId);
    if (!forward) return undefined;
    // RateLimits last: they count, and `decide` would count again.
    if (limits.admit(backendId, request.peer.connection, clock.now()) === 'admitted') return forward;
    forward.active.neverReached();
    return undefined;
  }

  /** Decides in full, which may take as long as a request is held. Never rejects. The signal says that the client has left. */
  async decide(request: EdgeRequest, signal: AbortSignal): Promise<Decision> {
    const { refusal } = request;
    if (refusal) return replyWith(refusal);
    const decision = await this.#decide(request, signal);
    return decision.kind === 'reply' ? replyWith(preflighted(request, decision.reply)) : decision;
  }

  async #decide(request: EdgeRequest, signal: AbortSignal): Promise<Decision> {
    const { backendId } = request;
    const html = wantsPage(request);
    if (backendId === undefined) return replyWith(REPLIES.unknown(html));
    const port = this.#redirectPort(request);
    if (port !== undefined) return replyWith(redirectToHttps(request.host, request.path, port));
    const { limits, clock } = this.#parts;
    const verdict = limits.admit(backendId, request.peer.connection, clock.now());
    if (verdict !== 'admitted') return replyWith(REPLIES[verdict](html));
    const routed = await this.#route(request, backendId, signal);
    if (routed.kind === 'reply') return routed;
    if (routed.kind === 'gone') return replyWith(this.#endReply(request, routed));
    if (routed.kind !== 'forward') return replyWith(replyTo(routed, html, this.#parts.queue.of(backendId)));
    if (!this.#isFull(backendId, 0)) return routed;
    routed.active.neverReached();
    return replyWith(REPLIES.busy(html));
  }

  /**
   * The reply for a backend that did not answer, or not as a client could read it. `reached`: it took the connection, so it may
   * have done what was asked.
   */
  backendFailed(request: EdgeRequest, { droneId }: Forward, reached: boolean, failure: Failure = {}): Reply {
    const { metrics, complaints } = this.#parts;
    const { objection } = failure;
    if (objection === undefined) metrics.upstreamFailed();
    else complaints.complain(request.backendId ?? '', objection);
    return preflighted(request, this.#failure(request, droneId, reached, failure));
  }

  #failure(request: EdgeRequest, droneId: string, reached: boolean, { refused, objection }: Failure): Reply {
    const { routes, look } = this.#parts;
    const backendId = request.backendId ?? '';
    if (objection !== undefined) return REPLIES.unforwardable(objection, wantsPage(request));
    const html = wantsPage(request);
    const route = refused ? routes.get(backendId) : undefined;
    if (route?.state === RouteState.ENDED)
      return this.#endReply(request, {
        state: route.backendState,
        reason: route.endReason,
        pages: route.pages,
      });
    look(backendId);
    if (!reached && routes.isSilent(droneId)) return REPLIES.away(html);
    return refused ? REPLIES.restarting(html, isNavigation(request)) : REPLIES.badGateway(html);
  }

  /** The wait of a request whose backend refused the connection; undefined if the request is answered at once. */
  restartHold(request: EdgeRequest, { droneId }: Forward, hasBody: boolean): RestartHold | undefined {
    const { routes, look, holds, clock } = this.#parts;
    const { backendId = '' } = request;
    const ms = Math.min(this.#options.restartHoldMs, patienceOf(request) ?? Number.POSITIVE_INFINITY);
    if (ms === 0 || !waitsForRestart(request, hasBody) || routes.isSilent(droneId)) return undefined;
    look(backendId);
    const isOpen = (id: string) => routes.get(id)?.state !== RouteState.ENDED;
    return new RestartHold({ holds, clock, isOpen }, backendId, ms);
  }

  /** Past the tokens, if the backend asks for one, and through the router. */
  async #route(request: EdgeRequest, backendId: string, signal: AbortSignal): Promise<Routed> {
    const { router, routes, tokens } = this.#parts;
    const followsState = isStateStream(request);
    const wait = followsState
      ? { navigation: false, patienceMs: 0 }
      : // A preflight cannot say how long its request would wait, so it is not held for it.
        { navigation: isNavigation(request), patienceMs: isPreflight(request) ? 0 : patienceOf(request) };
    for (;;) {
      const route = routes.get(backendId);
      const credentials = credentialsOf(request, wait.navigation);
      const verdict = await tokens.check(
        { backendId, route, credentials, navigation: wait.navigation },
        signal,
      );
      const reply = tokenReply(verdict, request);
      if (reply) return replyWith(reply);
      const holder = verdict.kind === 'accepted' ? verdict.holder : undefined;
      const admitted = () => holder !== undefined && tokens.isValid(backendId, holder);
      const routed = await router.route(backendId, { ...wait, admitted }, signal);
      if (routed.kind === 'late' && followsState) return this.#stateStream(backendId, holder);
      if (routed.kind === 'forward' && holder) return { ...routed, holder };
      const isNews = route === undefined && routes.get(backendId) !== undefined;
      // A route that came only now may ask for a token: look at the request's tokens again.
      if (routed.kind !== 'token required' || !isNews) return routed;
    }
  }

  #endReply(request: EdgeRequest, end: Omit<SessionEnd, 'id'>): Reply {
    const { state, reason, pages } = end;
    const viewer = !wantsPage(request) ? 'program' : isNavigation(request) ? 'navigation' : 'browser';
    return endReply({ id: request.backendId ?? '', state, reason, pages }, viewer, this.#options);
  }

  /** The stream that a waiting page reads; it lasts no longer than the token that opened it. */
  #stateStream(backendId: string, holder: TokenHolder | undefined): Decision {
    const { stateEvents, tokens } = this.#parts;
    if (!stateEvents.hasRoom(backendId)) return replyWith(REPLIES.busy(false));
    const follow: Reply['follow'] = (sink) => {
      const leave = stateEvents.follow(backendId, sink);
      const forget = holder && tokens.keep(holder, () => sink.end());
      return () => {
        forget?.();
        leave();
      };
    };
    return replyWith(REPLIES.stateEvents(follow));
  }

  #redirectPort(request: EdgeRequest): number | undefined {
    return isSecure(request) ? undefined : this.#options.redirectPort();
  }

  /** Whether this many more requests would exceed the limit of open ones. */
  #isFull(backendId: string, more: number): boolean {
    return this.#parts.requests.open(backendId) + more > this.#options.openPerBackend;
  }
}

function replyWith(reply: Reply): Extract<Decision, { kind: 'reply' }> {
  return { kind: 'reply', reply };
}

/** Whether a waiting page asks for its backend's state. Once the backend is ready, the path is an ordinary one. */
function isStateStream({ method, path, upgrade }: EdgeRequest): boolean {
  return method === 'GET' && !upgrade && path === STATE_EVENTS_PATH;
}

/** The reply to a request with this verdict on its tokens; undefined if the request passes. */
function tokenReply(verdict: TokenVerdict, request: EdgeRequest): Reply | undefined {
  const html = wantsPage(request);
  if (verdict.kind === 'refused') return REPLIES.unauthorized(html);
  if (verdict.kind === 'unsure') return replyTo(verdict, html);
  if (verdict.kind === 'offsite') return REPLIES.badRequest('its path would lead to another host', html);
  if (verdict.kind !== 'handover') return undefined;
  const { token, path, leftMs } = verdict;
  return handOver(path, tokenCookie(token, request, Math.ceil(leftMs / 1_000)));
}
