import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { BOUNDS } from '../../timeouts.ts';
import { linger, watchClose } from './node-http.ts';

/**
 * Node hands over the requests of an HTTP/1 connection as fast as it reads them. This queue begins each one when the one before
 * is answered (RFC 9112 §9.3.2), and none after one that ended the connection. When Node cannot read on, the requests that it has
 * read are answered first. A request gets one answer: a fault in its body is refused only if its head was not.
 *
 * Behind a few waiting requests a connection is no longer read. Those of all connections together are bounded in bytes, because
 * Node still hands over what it had read.
 */
export class PipelineQueue {
  readonly #lines = new WeakMap<Duplex, Line>();
  /** Bytes of the requests that wait, on all connections. */
  #waiting = 0;

  /** Calls `begin` in turn, unless the connection ends before. */
  take(socket: Duplex, turn: Turn): void {
    if (isOver(socket)) return;
    const line = this.#lineOf(socket);
    line.latest = turn;
    if (!line.current) this.#begin(socket, line, turn);
    else this.#wait(socket, line, turn);
  }

  #wait(socket: Duplex, line: Line, turn: Turn): void {
    turn.bytes = TURN_BYTES + bytesOf(turn.req);
    this.#waiting += turn.bytes;
    line.waiting.push(turn);
    if (line.waiting.length > BOUNDS.pipelinedRequests || this.#waiting > BOUNDS.pipelinedBytes)
      socket.destroy();
    // HTTP is over behind a handshake, so its connection has no reader that would see the client leave.
    else if (!turn.res) turn.stopWatching = watchClose(socket as Socket, () => socket.destroy());
    else if (line.waiting.length >= BOUNDS.pipelinedAhead) queueMicrotask(() => this.#pause(socket, line));
  }

  /** Later than Node's own reading on, which it schedules behind each request. */
  #pause(socket: Duplex, line: Line): void {
    if (line.waiting.length >= BOUNDS.pipelinedAhead) socket.pause();
  }

  /** Node could not read a request (RFC 9112 §2.2), or none came in time. */
  failed(error: Error & { code?: string }, socket: Duplex): void {
    const line = this.#lineOf(socket);
    if (line.last || isOver(socket)) return;
    // A client that ends its half is taken to have left, as in the raw transport.
    if (error.code === 'HPE_INVALID_EOF_STATE') socket.destroy();
    line.last = `HTTP/1.1 ${STATUS[error.code ?? ''] ?? '400 Bad Request'}\r\nConnection: close\r\n\r\n`;
    if (!line.current || isUnread(line.current)) void this.#end(socket, line);
  }

  #lineOf(socket: Duplex): Line {
    const known = this.#lines.get(socket);
    if (known) return known;
    const line: Line = { current: undefined, latest: undefined, waiting: [], last: '' };
    this.#lines.set(socket, line);
    socket.once('close', () => {
      for (const { bytes = 0 } of line.waiting.splice(0)) this.#waiting -= bytes;
    });
    return line;
  }

  #begin(socket: Duplex, line: Line, turn: Turn): void {
    line.current = turn;
    turn.res?.once('close', () => this.#next(socket, line));
    turn.decided = turn.begin();
    if (line.last && isUnread(turn)) void this.#end(socket, line);
  }

  #next(socket: Duplex, line: Line): void {
    line.current = undefined;
    if (!isUnread(line.latest)) line.latest = undefined;
    if (isOver(socket)) return;
    const turn = line.waiting.shift();
    this.#waiting -= turn?.bytes ?? 0;
    turn?.stopWatching?.();
    if (turn?.res && line.waiting.length === BOUNDS.pipelinedAhead - 1) socket.resume();
    if (turn) this.#begin(socket, line, turn);
    else if (line.last) void this.#end(socket, line);
  }

  /** The fault is in the body of the latest request, or behind it. */
  async #end(socket: Duplex, { latest, last }: Line): Promise<void> {
    await latest?.decided;
    if (isOver(socket)) return;
    const answer = isUnread(latest) && latest?.res?.headersSent ? latest.res : undefined;
    if (answer?.writableEnded) linger(socket.end() as Socket);
    else {
      if (!answer && socket.writable) socket.write(last);
      socket.destroy();
    }
  }
}

interface Turn {
  /** Request and response; missing if the request takes the connection over, which ends HTTP on it. */
  readonly req?: IncomingMessage;
  readonly res?: ServerResponse;
  /** Resolves when the request was answered or forwarded. */
  begin(): Promise<void> | void;
  decided?: Promise<void> | void;
  /** While it waits: the bytes that it counts for, and the end of the watch for a client that leaves. */
  bytes?: number;
  stopWatching?: () => void;
}

/** A waiting request costs this much beside the bytes of its head. */
const TURN_BYTES = 4_096;

function bytesOf(req: IncomingMessage | undefined): number {
  return req ? req.rawHeaders.reduce((sum, text) => sum + text.length, (req.url ?? '').length) : 0;
}

interface Line {
  current: Turn | undefined;
  /** The request that Node read last, until it was read and answered. */
  latest: Turn | undefined;
  readonly waiting: Turn[];
  /** The bytes to write after the last answer, at the end of the connection. */
  last: string;
}

const STATUS: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: '413 Content Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

function isOver(socket: Duplex): boolean {
  return socket.writableEnded || socket.destroyed;
}

function isUnread(turn: Turn | undefined): boolean {
  return turn?.req?.complete === false;
}
