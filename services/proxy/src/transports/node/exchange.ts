import type { ClientRequest, IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '@spawner/domain';
import type { AccessEntry } from '../../access-log/access-entry.ts';
import { requestHeaders } from '../../edge/headers.ts';
import type { EdgePolicy } from '../../edge/policy.ts';
import type { Reply } from '../../edge/replies.ts';
import { type Failure, type Forward, REPEATABLE } from '../../edge/request.ts';
import { reachableLocation } from '../../edge/response-rules.ts';
import type { Metrics } from '../../metrics.ts';
import type { RestartHold } from '../../routing/restart-hold.ts';
import type { NodeRequest } from './request-parser.ts';

/**
 * One request on its way to the backend, and the response on its way back. The phases, in order:
 * - `dialing`: the backend has not taken a connection, as while its program restarts.
 * - `waiting`: the backend has the request. If a kept connection was dead, the request is dialing again, once.
 * - `answered`: the response, or a reply of the edge's own, has begun.
 * - `over`: the client's side, or the tunnel, has closed, and the request no longer counts as open.
 *
 * A backend that fails before `answered` becomes a 502 or 503.
 */
type Phase = 'dialing' | 'waiting' | 'answered' | 'over';

export interface ExchangeParts {
  readonly policy: Pick<EdgePolicy, 'backendFailed' | 'restartHold'>;
  readonly metrics: Pick<Metrics, 'request' | 'firstByte'>;
  readonly clock: Clock;
  readonly clusterDomain: string;
}

/** The client's side of an exchange. */
export interface ExchangeClient {
  /** Undefined if there is no access log. */
  readonly access: AccessEntry | undefined;
  /** Answers with a reply of the edge's own. */
  reply(reply: Reply): void;
  /** Whether the client's connection ends with the response. */
  closing(): boolean;
  /** A handshake was completed: bytes flow both ways. */
  upgraded(upstream: Socket): void;
}

export class NodeExchange {
  readonly request: NodeRequest;
  readonly decision: Forward;
  readonly clusterDomain: string;
  readonly client: ExchangeClient;
  /** The backend's response, once its head has come. */
  response: IncomingMessage | undefined;
  readonly #parts: ExchangeParts;
  #phase: Phase = 'dialing';
  #reached = false;
  #repeated = false;
  /** The backend's port was closed at the last attempt. */
  #refused = false;
  /** From the first refused connection on, if the request waits for its backend. */
  #restart: RestartHold | undefined;
  /** The request to the backend, and the bytes that its connection had brought before. */
  #outgoing: ClientRequest | undefined;
  #readBefore = 0;

  constructor(parts: ExchangeParts, client: ExchangeClient, request: NodeRequest, decision: Forward) {
    this.#parts = parts;
    this.client = client;
    this.request = request;
    this.decision = decision;
    this.clusterDomain = parts.clusterDomain;
  }

  /** Path and query for the backend, without tokens. */
  get path(): string {
    return this.decision.holder?.path ?? this.request.path;
  }

  /** The headers that the backend gets. */
  get headers(): OutgoingHttpHeaders {
    return requestHeaders(this.request.headers, this.request, this.decision.holder);
  }

  /** The headers that the client gets, with a `Location` that it can reach. */
  located(headers: IncomingHttpHeaders): IncomingHttpHeaders {
    const { location } = headers;
    if (location === undefined) return headers;
    return { ...headers, location: reachableLocation(location, this.request, this.decision.ownPort) };
  }

  get answering(): boolean {
    return this.#phase === 'answered' || this.#phase === 'over';
  }

  /** The request to the backend has failed, so a response that still comes is too late. */
  get tooLate(): boolean {
    return this.#outgoing?.destroyed === true;
  }

  /** The request was given to a connection. */
  sent(outgoing: ClientRequest): void {
    this.#outgoing = outgoing;
    this.#readBefore = outgoing.socket?.bytesRead ?? 0;
    this.client.access?.follow(outgoing);
  }

  /** The backend has taken the connection. */
  reached(): void {
    if (this.#phase === 'dialing') this.#phase = 'waiting';
    this.#refused = false;
    this.#reached = true;
    this.decision.active.reached(this.request.upgrade, this.path);
  }

  /** The backend has answered with this status. */
  answered(status: number): void {
    const { upgrade } = this.request;
    const { metrics, clock } = this.#parts;
    this.#phase = 'answered';
    const firstByteMs = this.decision.active.answered(clock.now());
    if (firstByteMs !== undefined) metrics.firstByte(firstByteMs / 1_000);
    metrics.request(upgrade ? 'upgraded' : 'forwarded', status);
    this.client.access?.answered(status, upgrade && status < 300);
  }

  /**
   * Whether the request is sent again, once, after its connection failed. It must have no body and do no harm twice, and the
   * connection must be a kept one on which the backend has said nothing.
   */
  repeat(): boolean {
    const { hasBody, method } = this.request;
    const outgoing = this.#outgoing;
    const isSilent = outgoing?.reusedSocket === true && outgoing.socket?.bytesRead === this.#readBefore;
    if (this.#phase !== 'waiting' || this.#repeated || !isSilent || hasBody || !REPEATABLE.has(method))
      return false;
    this.#repeated = true;
    this.#phase = 'dialing';
    return true;
  }

  /** The port is closed, so nothing was sent. Resolves to true, after a pause, if the request is to be dialled again. */
  async dialAgain(): Promise<boolean> {
    const { policy } = this.#parts;
    this.#refused = true;
    this.#restart ??= policy.restartHold(this.request, this.decision, this.request.hasBody);
    const again = this.#restart !== undefined && (await this.#restart.pause());
    return again && this.#phase === 'dialing';
  }

  /** Answers with a reply of the edge's own. */
  reply(reply: Reply): void {
    this.#phase = 'answered';
    this.client.reply(reply);
  }

  /** The backend failed. The client gets a reply unless a response has begun. */
  failed(failure: Failure = { refused: this.#refused }): void {
    if (this.answering) return;
    this.reply(this.#parts.policy.backendFailed(this.request, this.decision, this.#reached, failure));
  }

  /** Ends the request to the backend. */
  giveUp(): void {
    this.#outgoing?.destroy();
  }

  /** Ends the exchange, for the backend's idle clock too. */
  over(): void {
    this.#phase = 'over';
    this.#restart?.leave();
    const { active } = this.decision;
    if (this.#reached) active.end(this.#parts.clock.now());
    else active.neverReached();
    this.client.access?.end();
  }
}
