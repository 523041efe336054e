import { constants, type ServerHttp2Stream } from 'node:http2';
import { Socket } from 'node:net';
import type { OpenTunnel } from '../../routing/sessions.ts';
import { TIMEOUTS } from '../../timeouts.ts';
import { keepAlive } from '../tcp-keepalive.ts';
import { closeFrame, FrameFollower, GOING_AWAY } from '../websocket-frames.ts';

/** The client's side: a connection, or one stream of an HTTP/2 session. */
export type ClientEnd = Socket | ServerHttp2Stream;

/**
 * An upgraded connection whose two sides are piped into each other. It follows the frames towards the client, so that a close
 * frame can be put between two of them (RFC 6455 §5.4).
 */
export class NodeTunnel implements OpenTunnel {
  readonly closed: Promise<void>;
  readonly #client: ClientEnd;
  readonly #upstream: Socket;
  readonly #frames = new FrameFollower();
  readonly #follow = (chunk: Buffer) => this.#frames.follow(chunk);
  #leaving = false;

  /** Both sockets are joined, and the client has got nothing but the handshake. */
  constructor(client: ClientEnd, upstream: Socket) {
    this.#client = client;
    this.#upstream = upstream;
    for (const socket of [client, upstream]) {
      socket.on('error', () => {});
      // httpxy sets other values.
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
      if (whole.length > 0 && !this.#client.write(whole)) {
        this.#upstream.pause();
        this.#client.once('drain', () => this.#upstream.resume());
      }
      if (end < 0) return;
      // Later bytes are read and dropped, so that the backend's own close is noticed.
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

  /** The end of one side ends the other, after a while. */
  #endTogether(): void {
    let late: NodeJS.Timeout | undefined;
    const over = () => {
      late ??= setTimeout(() => this.cut(), TIMEOUTS.tunnelLinger).unref();
    };
    for (const socket of [this.#client, this.#upstream]) socket.once('end', over).once('close', over);
    // A side that broke off never ends: what it sent is forwarded, and what comes for it is dropped.
    this.#client.once('close', () => this.#upstream.resume().end());
    this.#upstream.once('close', () => this.#client.resume().end());
    void this.closed.then(() => clearTimeout(late));
  }
}

function whenClosed(socket: ClientEnd): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed) resolve();
    else socket.once('close', () => resolve());
  });
}
