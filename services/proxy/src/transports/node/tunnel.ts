import { constants, type ServerHttp2Stream } from 'node:http2';
import { Socket } from 'node:net';
import { TIMEOUTS } from '../../timeouts.ts';
import { keepAlive } from '../tcp-keepalive.ts';
import { closeFrame, FrameFollower } from '../websocket-frames.ts';

/**
 * Upgraded connections. Bytes flow by themselves; this follows the frames towards the client, so that at
 * the backend's end a close frame can be put between two of them (RFC 6455 §5.4, §7.4.1: 1001).
 */
export const GOING_AWAY = 1001;

/** An upgraded connection, however its bytes are carried. */
export interface OpenTunnel {
  /** Resolves when both sockets are closed; never rejects. */
  readonly closed: Promise<void>;
  /** Tells the client that the session is over, as soon as the frame under way is whole. */
  goodbye(reason: string): void;
  /** Ends both connections now. */
  cut(): void;
}

/** Towards the client: a connection of its own, or one stream of an HTTP/2 connection. */
export type ClientEnd = Socket | ServerHttp2Stream;

export class Tunnel implements OpenTunnel {
  readonly closed: Promise<void>;
  readonly #client: ClientEnd;
  readonly #upstream: Socket;
  readonly #frames = new FrameFollower();
  readonly #follow = (chunk: Buffer) => this.#frames.follow(chunk);
  #leaving = false;

  /** Both sockets are already joined and nothing has flowed towards the client yet but the handshake. */
  constructor(client: ClientEnd, upstream: Socket) {
    this.#client = client;
    this.#upstream = upstream;
    for (const socket of [client, upstream]) {
      socket.on('error', () => {});
      // httpxy has set other values.
      if (socket instanceof Socket) keepAlive(socket);
    }
    upstream.on('data', this.#follow);
    this.closed = Promise.all([whenClosed(client), whenClosed(upstream)]).then(() => {});
    this.#endTogether();
  }

  goodbye(reason: string): void {
    if (this.#leaving) return;
    this.#leaving = true;
    this.#upstream.unpipe(this.#client);
    this.#upstream.off('data', this.#follow);
    const over = () => this.#client.end();
    this.#upstream.once('end', over).once('close', over);
    const rest = (chunk: Buffer) => {
      const end = this.#frames.endOfFrame(chunk);
      const whole = end < 0 ? chunk : chunk.subarray(0, end);
      if (whole.length > 0 && !this.#client.write(whole)) this.#pause();
      if (end < 0) return;
      // What else the backend says is read and dropped: its own close must be noticed.
      this.#upstream.off('data', rest).resume();
      this.#client.end(closeFrame(GOING_AWAY, reason));
    };
    if (this.#frames.betweenFrames) rest(Buffer.alloc(0));
    else this.#upstream.on('data', rest).resume();
  }

  cut(): void {
    if (this.#client instanceof Socket) this.#client.destroy();
    else this.#client.close(constants.NGHTTP2_CANCEL);
    this.#upstream.destroy();
  }

  /** A side that has said its last word takes the other one along, soon. */
  #endTogether(): void {
    let late: NodeJS.Timeout | undefined;
    const over = () => {
      late ??= setTimeout(() => this.cut(), TIMEOUTS.tunnelLinger).unref();
    };
    for (const socket of [this.#client, this.#upstream]) socket.once('end', over).once('close', over);
    // One that broke off has said no last word: what it sent is handed on, and what comes for it is dropped.
    this.#client.once('close', () => this.#upstream.resume().end());
    this.#upstream.once('close', () => this.#client.resume().end());
    void this.closed.then(() => clearTimeout(late));
  }

  #pause(): void {
    this.#upstream.pause();
    this.#client.once('drain', () => this.#upstream.resume());
  }
}

/** The open tunnels of every backend. */
export class Tunnels {
  readonly #open = new Map<string, Set<OpenTunnel>>();

  get size(): number {
    let size = 0;
    for (const tunnels of this.#open.values()) size += tunnels.size;
    return size;
  }

  /** Keeps it until both its sockets are closed. */
  add(id: string, tunnel: OpenTunnel): void {
    const tunnels = this.#open.get(id) ?? new Set();
    this.#open.set(id, tunnels.add(tunnel));
    void tunnel.closed.then(() => {
      tunnels.delete(tunnel);
      if (tunnels.size === 0) this.#open.delete(id);
    });
  }

  goodbye(id: string, reason: string): void {
    for (const tunnel of this.#open.get(id) ?? []) tunnel.goodbye(reason);
  }

  cut(id: string): void {
    for (const tunnel of this.#open.get(id) ?? []) tunnel.cut();
  }

  goodbyeAll(reason: string): void {
    for (const id of this.#open.keys()) this.goodbye(id, reason);
  }

  cutAll(): void {
    for (const id of [...this.#open.keys()]) this.cut(id);
  }
}

function whenClosed(socket: ClientEnd): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed) resolve();
    else socket.once('close', () => resolve());
  });
}
