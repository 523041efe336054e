import { connect, type Socket } from 'node:net';
import type { Endpoint } from '@spawner/proto/internal/backend_status';
import { isRefusal } from '../dialling.ts';
import { keepAlive } from '../tcp-keepalive.ts';
import type { ResponseMemo } from './response-memo.ts';
import type { Connections } from './upstream-pool.ts';

/** The exchange or tunnel that uses a connection. */
export interface UpstreamUser {
  /** The backend has taken the connection. Not called for a reused one. */
  taken(): void;
  bytes(bytes: Buffer, length: number): void;
  /** The socket has room again after `write` returned false. */
  drained(): void;
  /** The backend has ended its half. */
  ended(): void;
  /** The connection is closed; called once. */
  lost(): void;
}

/** Together with the bound below, the most bytes that can wait for a client. */
const READ_BYTES = 48 * 1024;
const QUEUED_BYTES = 16 * 1024;
const shared = Buffer.allocUnsafeSlow(READ_BYTES);

/**
 * One connection to a backend. All connections read into the same memory, so bytes are the user's only until `bytes` returns. An
 * idle connection that sends anything, or ends, is closed.
 */
export class Upstream {
  readonly #owner: Connections;
  readonly socket: Socket;
  readonly endpoint: Endpoint;
  /** Clock time until which it may be used again. */
  idleUntil = 0;
  /** It was kept from an earlier request. */
  reused = false;
  user: UpstreamUser | undefined;
  /** Nothing listened at the endpoint. */
  refused = false;
  /** Runs until the backend has taken the connection. */
  #late: NodeJS.Timeout | undefined;

  constructor(endpoint: Endpoint, user: UpstreamUser, owner: Connections) {
    this.#owner = owner;
    this.endpoint = endpoint;
    this.user = user;
    const { host, port } = endpoint;
    const read = (length: number, bytes: Uint8Array) => this.#read(length, bytes as Buffer);
    const options = { noDelay: true, writableHighWaterMark: QUEUED_BYTES };
    // Node throws for a number that is no port; port 0 fails like a backend that does not answer.
    this.socket = connect({
      host,
      port: port > 0 && port < 65_536 ? port : 0,
      ...options,
      onread: { buffer: shared, callback: read },
    });
    this.#late = setTimeout(() => this.destroy(), owner.connectTimeoutMs);
    this.socket.once('connect', () => {
      this.#inTime();
      keepAlive(this.socket);
      this.user?.taken();
    });
    this.socket.on('drain', () => this.user?.drained());
    this.socket.on('end', () => {
      if (this.user) this.user.ended();
      else this.destroy();
    });
    this.socket.on('error', (error) => {
      this.refused = isRefusal(error);
    });
    this.socket.on('close', () => {
      this.#inTime();
      owner.closed(this);
      const { user: last } = this;
      this.user = undefined;
      last?.lost();
    });
  }

  /** The heads that this backend has sent, over any of its connections. */
  get responses(): ResponseMemo {
    return this.#owner.responses;
  }

  /** Ends the connection without a call to its user. */
  drop(): void {
    this.user = undefined;
    this.destroy();
  }

  destroy(): void {
    this.socket.destroy();
  }

  #inTime(): void {
    clearTimeout(this.#late);
    this.#late = undefined;
  }

  #read(length: number, bytes: Buffer): boolean {
    try {
      if (this.user) this.user.bytes(bytes, length);
      else this.destroy();
    } catch (error) {
      this.#owner.failed(error);
      this.destroy();
    }
    return true;
  }
}
