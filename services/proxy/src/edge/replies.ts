import { BackendState, EndReason } from '@spawner/proto/v1/backend';
import type { EventSink } from '../cluster/waiting-events.ts';
import type { Passage } from '../routing/router.ts';
import { errorPage, retryingPage, waitingPage } from './pages.ts';

/**
 * The answers that the edge gives itself: JSON for programs, a small page for browsers, never a word of
 * what went wrong inside, and never to be cached.
 */
export interface Answer {
  /** What it counts as in the metrics. */
  outcome: string;
  status: number;
  headers: Record<string, string>;
  body: string;
  /** Whether an HTTP/1 connection ends with it: of a request that was not understood, nothing that follows is. */
  closes?: boolean;
  /** What follows the body: told where it goes, it returns what is called when the client has left. */
  follow?: (sink: EventSink) => () => void;
}

/** Tells a waiting page that it was not the backend that answered, and how far the backend is. */
const STATE_HEADER = 'X-Spawner-State';

const AWAY = 'The machine of this session cannot be reached at the moment';

const UNVERIFIED = 'It cannot be told at the moment whether this session is still there';

/** Each as a page where `html` says so. */
export const ANSWERS = {
  badRequest: (why: string, html: boolean) => refusal(400, `The request cannot be forwarded: ${why}.`, html),
  headersTooLarge: (html: boolean) => refusal(431, "The request's headers are too large.", html),
  unknownExpectation: (html: boolean) => refusal(417, 'The request expects what is not known here.', html),
  /** A CONNECT that asks for anything but a WebSocket (RFC 9220 §3). */
  otherProtocol: () => answer(501, 'refused', 'UNIMPLEMENTED', 'Only WebSockets are tunnelled here.', false),
  unknown: (html: boolean) =>
    answer(404, 'unknown', 'NOT_FOUND', 'There is no backend at this address.', html),
  badGateway: (html: boolean) =>
    answer(502, 'bad_gateway', 'UNAVAILABLE', 'The backend could not be reached.', html),
  /** Its address does not answer, and its drone is silent: it may come back with it. */
  away: (html: boolean) => {
    const said = again('unreachable', `${AWAY}.`, html);
    return html ? { ...said, body: retryingPage(AWAY) } : said;
  },
  /** Never says what was wrong with a token that came. */
  unauthorized: (html: boolean) => {
    const said = answer(401, 'unauthorized', 'UNAUTHENTICATED', 'A valid connection token is needed.', html);
    return { ...said, headers: { ...said.headers, 'WWW-Authenticate': 'Bearer' } };
  },
  /** The connection that asks is one too many for its host: it is closed. */
  tooManyConnections: (html: boolean) => ({
    ...limited('There are too many connections to this backend.', html),
    closes: true,
  }),
  tooManyRequests: (html: boolean) => limited('Too many requests come for this backend.', html),
  bodyTimeout: () => ({
    ...answer(408, 'refused', 'DEADLINE_EXCEEDED', "The rest of the request's body did not come.", false),
    closes: true,
  }),
  /** To a page that waits for its backend (state-events.ts). */
  stateEvents: (follow: NonNullable<Answer['follow']>): Answer => {
    const headers = { ...ALWAYS, 'Content-Type': 'text/event-stream' };
    return { outcome: 'waiting_events', status: 200, headers, body: '', follow };
  },
  busy: (html: boolean) => again('busy', 'Too many requests are under way to this backend.', html),
} as const;

/** What is answered where the gate let nothing through. */
export function answerTo(passage: Exclude<Passage, { kind: 'forward' }>, html: boolean): Answer {
  switch (passage.kind) {
    case 'unknown':
      return ANSWERS.unknown(html);
    case 'gone':
      return gone(nameIn(EndReason, passage.reason), html);
    case 'unreachable':
      return again('unreachable', 'The backend cannot be reached from here.', html);
    case 'unsure':
      return again('unsure', 'It cannot be told now whether this backend exists.', html);
    case 'unverified': {
      const said = again('unverified', `${UNVERIFIED}.`, html);
      return html ? { ...said, body: retryingPage(UNVERIFIED) } : said;
    }
    case 'waiting':
      return starting(nameIn(BackendState, passage.state));
    case 'late':
      return again('hold_timeout', 'The backend is not ready yet.', html, {
        [STATE_HEADER]: nameIn(BackendState, passage.state),
      });
    case 'guarded':
      return ANSWERS.unauthorized(html);
    case 'full':
      return ANSWERS.busy(html);
    case 'closed':
    case 'left':
      return again('draining', 'This proxy is going away.', html);
  }
}

/** The same address by HTTPS (RFC 9110 §15.4.9: method and body stay). */
export function redirectToHttps(host: string, path: string, publicPort: number): Answer {
  const name = host.replace(/:\d*$/, '');
  const port = publicPort === 443 ? '' : `:${publicPort}`;
  const headers = { Location: `https://${name}${port}${path}`, 'Cache-Control': 'no-store' };
  return { outcome: 'redirected', status: 308, headers, body: '' };
}

/** A cookie for the token in the address, and the same address without it, which nobody else is to hear of. */
export function handOver(path: string, cookie: string): Answer {
  const headers = {
    Location: path,
    'Set-Cookie': cookie,
    'Referrer-Policy': 'no-referrer',
    'Cache-Control': 'no-store',
  };
  return { outcome: 'handed_over', status: 303, headers, body: '' };
}

const ALWAYS = { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' };
const HTML = {
  ...ALWAYS,
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy':
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'",
};

function refusal(status: number, message: string, html: boolean): Answer {
  return { ...answer(status, 'refused', 'INVALID_ARGUMENT', message, html), closes: true };
}

function gone(reason: string, html: boolean): Answer {
  return answer(410, 'gone', 'GONE', `This backend has ended (${reason}).`, html, { reason });
}

/** The page that a browser sees while its backend starts; it reloads itself. */
function starting(state: string): Answer {
  const headers = { ...HTML, 'Retry-After': '1', [STATE_HEADER]: state };
  return { outcome: 'waiting_page', status: 503, headers, body: waitingPage(state) };
}

function again(outcome: string, message: string, html: boolean, more: Record<string, string> = {}): Answer {
  const { headers, ...rest } = answer(503, outcome, 'UNAVAILABLE', message, html);
  return { ...rest, headers: { ...headers, 'Retry-After': '1', ...more } };
}

function limited(message: string, html: boolean): Answer {
  const { headers, ...rest } = answer(429, 'limited', 'RESOURCE_EXHAUSTED', message, html);
  return { ...rest, headers: { ...headers, 'Retry-After': '1' } };
}

function answer(
  status: number,
  outcome: string,
  code: string,
  message: string,
  html: boolean,
  more: object = {},
): Answer {
  if (html) return { outcome, status, headers: HTML, body: errorPage(status, message) };
  const headers = { ...ALWAYS, 'Content-Type': 'application/json' };
  return { outcome, status, headers, body: `${JSON.stringify({ code, message, ...more })}\n` };
}

/** The bare name of an enum's value; a newer peer may send one that is not known here. */
function nameIn(names: Readonly<Record<string, number>>, value: number): string {
  return Object.entries(names).find(([, number]) => number === value)?.[0] ?? 'UNSPECIFIED';
}
