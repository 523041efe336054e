import type { Clock } from '@spawner/domain';
import type { StateEvents } from '../cluster/waiting-events.ts';
import type { Activity } from '../routing/active-requests.ts';
import type { Passage } from '../routing/router.ts';
import type { Door } from '../tokens/authenticate.ts';
import type { Visitor } from '../tokens/token-check.ts';
import type { Visitors } from '../tokens/token-sessions.ts';
import { connectionOf, headBytes, isTls, type WebRequest } from '../transports/node/node-http.ts';
import { type RawHead, type RequestHead, readHead } from '../transports/node/request-parser.ts';
import { STATE_EVENTS_PATH } from './pages.ts';
import type { Limits } from './rate-limits.ts';
import { ANSWERS, type Answer, answerTo, redirectToHttps } from './replies.ts';
import type { Trust } from './trusted-addresses.ts';

export interface ReceptionParts {
  door: Pick<Door, 'enter'>;
  visitors: Pick<Visitors, 'keep'>;
  limits: Pick<Limits, 'admit'>;
  stateEvents: Pick<StateEvents, 'hasRoom' | 'follow'>;
  activity: Pick<Activity, 'open'>;
  trust: Trust;
  clock: Clock;
}

export interface ReceptionOptions {
  clusterDomain: string;
  maxHeaderBytes: number;
  openPerBackend: number;
  /** Where plain HTTP is sent to, or nothing. */
  redirectPort(): number | undefined;
}

/** A request that goes to its backend. */
export interface Received {
  head: RequestHead;
  passage: Extract<Passage, { kind: 'forward' }>;
  id: string;
  upgrade: boolean;
  html: boolean;
  visitor: Visitor | undefined;
}

/** What becomes of a request on the general path: its head is read, then it is redirected, limited, let in, or refused. */
export class Reception {
  readonly #parts: ReceptionParts;
  readonly #options: ReceptionOptions;

  constructor(parts: ReceptionParts, options: ReceptionOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  /** An answer of our own, or where the request goes; may wait for its backend. */
  async receive(
    req: WebRequest,
    raw: RawHead,
    html: boolean,
    signal: AbortSignal,
  ): Promise<Answer | Received> {
    if (headBytes(req) > this.#options.maxHeaderBytes) return ANSWERS.headersTooLarge(html);
    if (!isKnownExpectation(req.headers.expect)) return ANSWERS.unknownExpectation(html);
    const verdict = readHead(raw, this.#options.clusterDomain);
    if (!verdict.ok) return ANSWERS.badRequest(verdict.why, html);
    const { head } = verdict;
    const id = head.backendId;
    if (id === undefined) return ANSWERS.unknown(html);
    const redirectPort = this.#options.redirectPort();
    if (redirectPort !== undefined && !this.#cameByTls(req))
      return redirectToHttps(head.host, head.path, redirectPort);
    switch (this.#parts.limits.admit(id, connectionOf(req), this.#parts.clock.now())) {
      case 'too many connections':
        return ANSWERS.tooManyConnections(html);
      case 'too many requests':
        return ANSWERS.tooManyRequests(html);
    }
    const following = !raw.upgrade && isFollowing(raw.method, head.path);
    const asking = {
      // It waits for nothing: it is told how far the backend is.
      head: following ? { ...head, navigation: false, patienceMs: 0 } : head,
      backendId: id,
      headers: req.headers,
      upgrade: raw.upgrade,
      secure: this.#cameByTls(req),
    };
    const entered = await this.#parts.door.enter(asking, signal);
    if ('outcome' in entered) return entered;
    const { passage, visitor } = entered;
    if (passage.kind === 'late' && following) return this.#events(id, visitor);
    if (passage.kind !== 'forward') return answerTo(passage, html);
    if (this.#parts.activity.open(id) > this.#options.openPerBackend) {
      passage.exchange.neverReached();
      return ANSWERS.busy(html);
    }
    return {
      head: visitor ? { ...head, path: visitor.path } : head,
      passage,
      id,
      upgrade: raw.upgrade,
      html,
      visitor,
    };
  }

  /** Of a backend that wants tokens no longer than the visitor's is good. */
  #events(id: string, visitor: Visitor | undefined): Answer {
    const { stateEvents, visitors } = this.#parts;
    if (!stateEvents.hasRoom(id)) return ANSWERS.busy(false);
    return ANSWERS.stateEvents((sink) => {
      const leave = stateEvents.follow(id, sink);
      const forget = visitor && visitors.keep(visitor, () => sink.end());
      return () => {
        forget?.();
        leave();
      };
    });
  }

  #cameByTls(req: WebRequest): boolean {
    const trusted = this.#parts.trust.includes(req.socket.remoteAddress ?? '');
    return isTls(req) || (trusted && req.headers['x-forwarded-proto'] === 'https');
  }
}

/** Whether a page asks how far its backend is. Of a backend that is ready it is a path like any other. */
function isFollowing(method: string, path: string): boolean {
  return method === 'GET' && path === STATE_EVENTS_PATH;
}

/** RFC 9110 §10.1.1. */
function isKnownExpectation(expect: string | undefined): boolean {
  return expect === undefined || expect.toLowerCase() === '100-continue';
}
