import type { ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import type { Reply } from '../edge/replies.ts';
import type { EdgeRequest } from '../edge/request.ts';

/** A connection to a backend, as far as it counts its bytes. */
type Counted = Pick<Socket, 'bytesRead' | 'bytesWritten'>;

type Owner = { now(): number; ended(entry: AccessEntry): void };

/**
 * Collects the facts of one exchange for its line. Bytes are counted between the proxy and the backend, with heads and frames.
 * Times are the owner's clock in milliseconds.
 */
export class AccessEntry {
  readonly way: 'fast' | 'general';
  readonly request: EdgeRequest;
  readonly sampled: boolean;
  readonly startedAt: number;
  firstByteAt: number | undefined;
  endedAt = 0;
  /** How long the request waited for the router. */
  heldMs = 0;
  /** The status that the client got; undefined if it left before. */
  status: number | undefined;
  upgrade = false;
  /** Why the client did not get the backend's whole answer. */
  reason: string | undefined;
  /** The backend or the proxy failed, not the client. */
  failed = false;
  /** Sent to the backend. */
  bytesIn = 0;
  bytesOut = 0;
  readonly #owner: Owner;
  #socket: Counted | undefined;
  #readBefore = 0;
  #writtenBefore = 0;
  #over = false;

  constructor(owner: Owner, way: 'fast' | 'general', sampled: boolean, request: EdgeRequest) {
    this.#owner = owner;
    this.way = way;
    this.sampled = sampled;
    this.request = request;
    this.startedAt = owner.now();
  }

  /** The router has decided. */
  waited(): void {
    this.heldMs = this.#owner.now() - this.startedAt;
  }

  /** The exchange uses this connection from now on. */
  uses(socket: Counted): void {
    this.leaves();
    this.#socket = socket;
    this.#readBefore = socket.bytesRead;
    this.#writtenBefore = socket.bytesWritten;
  }

  /** The exchange no longer uses its connection. */
  leaves(): void {
    const socket = this.#socket;
    if (!socket) return;
    this.#socket = undefined;
    this.bytesOut += socket.bytesRead - this.#readBefore;
    this.bytesIn += socket.bytesWritten - this.#writtenBefore;
  }

  /** Uses this request's connection until the request closes. */
  follow(outgoing: ClientRequest): void {
    if (outgoing.socket) this.uses(outgoing.socket);
    outgoing.once('close', () => this.leaves());
  }

  /** The backend has answered with this status. */
  answered(status: number, upgrade: boolean): void {
    this.firstByteAt = this.#owner.now();
    this.status = status;
    this.upgrade = upgrade;
  }

  /** The proxy answers itself. */
  refused({ outcome, status, body }: Pick<Reply, 'outcome' | 'status' | 'body'>): void {
    this.leaves();
    this.firstByteAt = this.#owner.now();
    this.status = status;
    this.reason = outcome;
    this.failed = status >= 500;
    this.bytesOut = Buffer.byteLength(body);
  }

  /** The exchange is cut because its token was revoked. */
  revoked(): void {
    this.reason ??= 'unauthorized';
  }

  /** The backend broke its answer off. */
  broke(): void {
    this.reason ??= 'broken_answer';
    this.failed = true;
  }

  /** Later calls are ignored. `whole`: the whole answer was sent, or there was none. */
  end(whole = true): void {
    if (this.#over) return;
    this.#over = true;
    this.leaves();
    this.endedAt = this.#owner.now();
    if (this.status === undefined || !whole) this.reason ??= 'client_left';
    this.#owner.ended(this);
  }
}
