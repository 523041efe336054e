import type { Socket } from 'node:net';
import type { OpenTunnel } from '../../routing/sessions.ts';
import { TIMEOUTS } from '../../timeouts.ts';
import { closeFrame, FrameFollower, GOING_AWAY } from '../websocket-frames.ts';
import type { Upstream, UpstreamUser } from './upstream.ts';
import { Writer } from './writer.ts';

/**
 * A WebSocket on bare sockets: the bytes of one side are written to the other as they come. It follows the frames towards the
 * client, as NodeTunnel does, so that a close frame can be put between two of them.
 */
export class RawTunnel implements OpenTunnel, UpstreamUser {
  readonly #closing = Promise.withResolvers<void>();
  readonly closed = this.#closing.promise;
  readonly #client: Socket;
  readonly #upstream: Upstream;
  readonly #writer: Writer;
  readonly #frames = new FrameFollower();
  #open = 2;
  #reason: string | undefined;
  #saidGoodbye = false;
  #late: NodeJS.Timeout | undefined;

  constructor(client: Socket, secure: boolean, upstream: Upstream) {
    this.#client = client;
    this.#upstream = upstream;
    this.#writer = new Writer(client, secure);
    upstream.user = this;
    client.on('data', (chunk: Buffer) => {
      if (!upstream.socket.write(chunk)) client.pause();
    });
    client.on('end', () => {
      upstream.socket.end();
      this.#endTogether();
    });
    client.on('close', () => {
      upstream.socket.end();
      this.#sideClosed();
    });
  }

  goodbye(reason: string): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    if (this.#frames.betweenFrames) this.#sayGoodbye();
  }

  cut(): void {
    this.#client.destroy();
    this.#upstream.destroy();
  }

  taken(): void {}

  bytes(bytes: Buffer, length: number): void {
    // Later bytes are read and dropped, so that the backend's own close is noticed.
    if (this.#saidGoodbye) return;
    let to = length;
    if (this.#reason === undefined) this.#frames.follow(bytes, length);
    else {
      const end = this.#frames.endOfFrame(bytes.subarray(0, length));
      if (end >= 0) to = end;
    }
    this.#writer.send('', bytes, 0, to);
    if (this.#reason !== undefined && this.#frames.betweenFrames) this.#sayGoodbye();
    else this.#writer.restrain(this.#upstream.socket);
  }

  drained(): void {
    this.#client.resume();
  }

  ended(): void {
    this.#client.end();
    this.#endTogether();
  }

  lost(): void {
    this.#client.end();
    this.#sideClosed();
  }

  #sayGoodbye(): void {
    this.#saidGoodbye = true;
    this.#client.end(closeFrame(GOING_AWAY, this.#reason ?? ''));
  }

  /** The end of one side ends the other, after a while. */
  #endTogether(): void {
    this.#late ??= setTimeout(() => this.cut(), TIMEOUTS.tunnelLinger).unref();
  }

  #sideClosed(): void {
    this.#open -= 1;
    this.#endTogether();
    if (this.#open > 0) return;
    clearTimeout(this.#late);
    this.#closing.resolve();
  }
}
