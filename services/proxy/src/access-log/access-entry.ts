import type { ClientRequest } from 'node:http';
import type { EdgeRequest } from '../edge/request.ts';

/** A connection to a backend, as far as it counts its bytes. */
export interface Counted {
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

/** An answer that the proxy gave itself. */
export interface OwnAnswer {
  readonly outcome: string;
  readonly status: number;
  readonly body: string;
}

/**
 * What one exchange was like, told as it goes on. Bytes are those between the proxy and the backend, heads and frames included;
 * times are the owner's clock in milliseconds.
 */
export class AccessEntry {
  readonly way: 'fast' | 'general';
  readonly request: EdgeRequest;
  readonly sampled: boolean;
  readonly startedAt: number;
  firstByteAt: number | undefined;
  endedAt = 0;
  /** How long it waited to be let through. */
  heldMs = 0;
  /** What the client saw; nothing where it left before. */
  status: number | undefined;
  upgrade = false;
  /** Why the backend's whole answer is not what the client got. */
  reason: string | undefined;
  /** Something that is not the client's went wrong. */
  failed = false;
  /** From the client on to the backend. */
  bytesIn = 0;
  bytesOut = 0;
  readonly #owner: { now(): number; ended(entry: AccessEntry): void };
  #socket: Counted | undefined;
  #readBefore = 0;
  #writtenBefore = 0;
  #over = false;

  constructor(
    owner: { now(): number; ended(entry: AccessEntry): void },
    way: 'fast' | 'general',
    sampled: boolean,
    request: EdgeRequest,
  ) {
    this.#owner = owner;
    this.way = way;
    this.sampled = sampled;
    this.request = request;
    this.startedAt = owner.now();
  }

  /** The gate has decided. */
  waited(): void {
    this.heldMs = this.#owner.now() - this.startedAt;
  }

  /** From now on it goes by this connection. */
  uses(socket: Counted): void {
    this.leaves();
    this.#socket = socket;
    this.#readBefore = socket.bytesRead;
    this.#writtenBefore = socket.bytesWritten;
  }

  /** The connection is somebody else's from now on. */
  leaves(): void {
    const socket = this.#socket;
    if (!socket) return;
    this.#socket = undefined;
    this.bytesOut += socket.bytesRead - this.#readBefore;
    this.bytesIn += socket.bytesWritten - this.#writtenBefore;
  }

  /** Goes by this request's connection, for as long as that is the request's. */
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
  refused({ outcome, status, body }: OwnAnswer): void {
    this.leaves();
    this.firstByteAt = this.#owner.now();
    this.status = status;
    this.reason = outcome;
    this.failed = status >= 500;
    this.bytesOut = Buffer.byteLength(body);
  }

  /** It is cut: its visitor's token was revoked. */
  revoked(): void {
    this.reason ??= 'unauthorized';
  }

  /** The answer that has begun does not come to its end. */
  broke(): void {
    this.reason ??= 'broken_answer';
    this.failed = true;
  }

  /** Once; nothing that comes later counts. `whole`: the answer, where there was one, has gone out to its end. */
  end(whole = true): void {
    if (this.#over) return;
    this.#over = true;
    this.leaves();
    this.endedAt = this.#owner.now();
    if (this.status === undefined || !whole) this.reason ??= 'client_left';
    this.#owner.ended(this);
  }
}
