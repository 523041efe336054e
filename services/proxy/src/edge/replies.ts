import type { QueuePosition } from '@spawner/bus';
import { BackendState } from '@spawner/proto/v1/backend';
import type { EventSink } from '../cluster/waiting-events.ts';
import type { RouteOutcome } from '../routing/router.ts';
import { TIMEOUTS } from '../timeouts.ts';
import { codeName } from './pages/code-name.ts';
import { restartingPage, retryingPage, waitingPage } from './pages/patient-page.ts';
import { type PageWords, refusalPage, REFUSAL_WORDS as WORDS } from './pages/refusal-page.ts';

/**
 * A reply of the edge's own: JSON for programs, a small page for browsers. It never says what failed inside, and is never
 * cached. This file has the status of each refusal, for both transports.
 */
export interface Reply {
  /** Label of `spawner.proxy.requests`. */
  outcome: string;
  status: number;
  headers: Record<string, string>;
  body: string;
  /** Whether an HTTP/1 connection ends with it. After a malformed request, the bytes that follow cannot be trusted. */
  closes?: boolean;
  /** Writes what follows the body to the sink. Returns a function to call when the client leaves. */
  follow?: (sink: EventSink) => () => void;
}

/** Tells a waiting page that the proxy answered, and the state of the backend. */
export const STATE_HEADER = 'X-Spawner-State';
/** The place of the backend's start in the queue of its drone: 1 is next. */
const POSITION_HEADER = 'X-Spawner-Queue-Position';

const RESTARTING = "The session's program does not accept connections at the moment.";

const TOKEN_NEEDED = 'A valid connection token is needed.';

const EXPECTATION = 'The expectation of this request is not supported.';

const AWAY = 'The machine of this session cannot be reached at the moment.';

const UNVERIFIED = 'The proxy cannot tell at the moment whether this session still exists.';

/** The words of a page; false for a program, which gets JSON. */
type Page = false | PageWords;

/** Replies that depend on the request alone. Each is a page if `html` is set. */
export const REPLIES = {
  badRequest: (why: string, html: boolean) => {
    const message = `The request cannot be forwarded: ${why}.`;
    return refusal(400, message, html && WORDS.badRequest(message));
  },
  /** Plain HTTP came to the port for HTTPS. Its bytes are gone with the handshake, so no redirect can name the address. */
  plainOnTls: () => refusal(400, 'This port takes HTTPS: the address must begin with https://.', false),
  headersTooLarge: (html: boolean) =>
    refusal(431, "The request's headers are too large.", html && WORDS.headersTooLarge),
  unknownExpectation: (html: boolean) => refusal(417, EXPECTATION, html && WORDS.badRequest(EXPECTATION)),
  /** A CONNECT for anything but a WebSocket (RFC 9220 §3). */
  otherProtocol: () => reply(501, 'refused', 'UNIMPLEMENTED', 'Only WebSockets are tunnelled here.', false),
  unknown: (html: boolean) =>
    reply(404, 'unknown', 'NOT_FOUND', 'There is no session at this address.', html && WORDS.unknown),
  badGateway: (html: boolean) =>
    reply(502, 'bad_gateway', 'UNAVAILABLE', 'The backend could not be reached.', html && WORDS.noAnswer),
  /** The backend is READY and its port is closed, as while its program restarts. Only a navigation can be tried again by its page. */
  restarting: (html: boolean, navigation: boolean) => {
    const plain = reply(502, 'bad_gateway', 'UNAVAILABLE', RESTARTING, html && WORDS.restarting);
    const body = html && navigation ? restartingPage(WORDS.restarting.heading) : plain.body;
    return withHeaders({ ...plain, body }, { 'Retry-After': '1', [STATE_HEADER]: 'READY' });
  },
  /** The backend answered, but not as a client could read it. `objection` ends the sentence. */
  unforwardable: (objection: string, html: boolean) => {
    const message = `The backend's answer cannot be forwarded: ${objection}.`;
    return reply(502, 'bad_answer', 'INTERNAL', message, html && WORDS.badAnswer(message));
  },
  /** The backend's address does not answer and its drone is silent: both may come back. */
  away: (html: boolean) => retrying('unreachable', AWAY, WORDS.unreachable, html),
  /** Does not say what was wrong with a token that came. */
  unauthorized: (html: boolean) =>
    withHeaders(reply(401, 'unauthorized', 'UNAUTHENTICATED', TOKEN_NEEDED, html && WORDS.unauthorized), {
      'WWW-Authenticate': 'Bearer',
    }),
  /** Closes the connection: it exceeds the limit of its host. */
  tooManyConnections: (html: boolean) => ({
    ...limited('There are too many connections to this backend.', html && WORDS.busy),
    closes: true,
  }),
  tooManyRequests: (html: boolean) =>
    limited('There are too many requests for this backend.', html && WORDS.busy),
  bodyTimeout: () => ({
    ...reply(408, 'refused', 'DEADLINE_EXCEEDED', "The rest of the request's body did not arrive.", false),
    closes: true,
  }),
  /** The stream of states for a waiting page (cluster/waiting-events.ts). */
  stateEvents: (follow: NonNullable<Reply['follow']>): Reply => {
    const headers = { ...ALWAYS, 'Content-Type': 'text/event-stream' };
    return { outcome: 'waiting_events', status: 200, headers, body: '', follow };
  },
  busy: (html: boolean) => later('busy', 'Too many requests to this backend are open.', html && WORDS.busy),
} as const;

/**
 * The reply to a request that the router did not forward, but for the end of a session (end-reply.ts). `queued`: the place of the
 * backend's start, as far as it is known.
 */
export function replyTo(
  routed: Exclude<RouteOutcome, { kind: 'forward' | 'gone' }>,
  html: boolean,
  queued?: QueuePosition,
): Reply {
  switch (routed.kind) {
    case 'unknown':
      return REPLIES.unknown(html);
    case 'unreachable':
      return later('unreachable', 'The backend cannot be reached from here.', html && WORDS.unreachable);
    case 'unsure':
      return later('unsure', 'The proxy cannot tell now whether this backend exists.', html && WORDS.unsure);
    case 'unverified':
      return retrying('unverified', UNVERIFIED, WORDS.unsure, html);
    case 'waiting':
      return starting(routed.state, queued);
    case 'late':
      return later(
        'hold_timeout',
        'The backend is not ready yet.',
        html && WORDS.notReady,
        progress(routed.state, queued),
      );
    case 'token required':
      return REPLIES.unauthorized(html);
    case 'full':
      return REPLIES.busy(html);
    case 'closed':
    case 'left':
      return later('draining', 'This proxy is going away.', html && WORDS.draining);
  }
}

/** The same address by HTTPS (RFC 9110 §15.4.9: method and body stay). */
export function redirectToHttps(host: string, path: string, publicPort: number): Reply {
  const name = host.replace(/:\d*$/, '');
  const port = publicPort === 443 ? '' : `:${publicPort}`;
  const headers = { Location: `https://${name}${port}${path}`, 'Cache-Control': 'no-store' };
  return { outcome: 'redirected', status: 308, headers, body: '' };
}

/** Sets a cookie for the token in the address and redirects to the address without it, which referrers would leak. */
export function handOver(path: string, cookie: string): Reply {
  const headers = {
    Location: path,
    'Set-Cookie': cookie,
    'Referrer-Policy': 'no-referrer',
    'Cache-Control': 'no-store',
  };
  return { outcome: 'handed_over', status: 303, headers, body: '' };
}

/** Pages of other origins may read every reply of the edge: an application has to tell an ended session from a broken network. */
export const ALWAYS = {
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Expose-Headers': `Retry-After, ${STATE_HEADER}, ${POSITION_HEADER}`,
};
export const HTML = {
  ...ALWAYS,
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy':
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'",
};

function refusal(status: number, message: string, page: Page): Reply {
  return { ...reply(status, 'refused', 'INVALID_ARGUMENT', message, page), closes: true };
}

/** The page that a browser sees while its backend starts; it reloads itself. */
function starting(state: BackendState, queued: QueuePosition | undefined): Reply {
  const headers = { ...HTML, ...progress(state, queued) };
  return {
    ...{ outcome: 'waiting_page', status: 503, headers },
    body: waitingPage(codeName(BackendState, state), placeIn(state, queued)),
  };
}

/** How far the backend is, and when another request is worth its while. */
function progress(state: BackendState, queued: QueuePosition | undefined): Record<string, string> {
  const place = placeIn(state, queued);
  const waitMs = Math.min(place?.expectedWaitMs ?? 0, TIMEOUTS.retryAfter);
  return {
    'Retry-After': `${Math.max(1, Math.ceil(waitMs / 1_000))}`,
    [STATE_HEADER]: codeName(BackendState, state),
    ...(place ? { [POSITION_HEADER]: `${place.position}` } : {}),
  };
}

/** The queue is heard of over the bus, so the route may be ahead of it. */
function placeIn(state: BackendState, queued: QueuePosition | undefined): QueuePosition | undefined {
  return state < BackendState.STARTING ? queued : undefined;
}

function later(outcome: string, message: string, page: Page, more: Record<string, string> = {}): Reply {
  return withHeaders(reply(503, outcome, 'UNAVAILABLE', message, page), { 'Retry-After': '1', ...more });
}

/** For a browser, a page that tries again by itself. */
function retrying(outcome: string, message: string, words: PageWords, html: boolean): Reply {
  const plain = later(outcome, message, html && words);
  return html ? { ...plain, body: retryingPage(words.heading) } : plain;
}

function limited(message: string, page: Page): Reply {
  return withHeaders(reply(429, 'limited', 'RESOURCE_EXHAUSTED', message, page), { 'Retry-After': '1' });
}

export function withHeaders(plain: Reply, more: Record<string, string>): Reply {
  return { ...plain, headers: { ...plain.headers, ...more } };
}

export function reply(
  status: number,
  outcome: string,
  code: string,
  message: string,
  page: Page,
  more: object = {},
): Reply {
  if (page) return { outcome, status, headers: HTML, body: refusalPage(page) };
  const headers = { ...ALWAYS, 'Content-Type': 'application/json' };
  return { outcome, status, headers, body: `${JSON.stringify({ code, message, ...more })}\n` };
}
