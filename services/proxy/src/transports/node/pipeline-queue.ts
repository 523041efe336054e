import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { BOUNDS } from '../../timeouts.ts';
import { linger } from './node-http.ts';

/**
 * Node hands over the requests of an HTTP/1 connection as fast as it reads them. This queue begins each one when the one before
 * is answered (RFC 9112 §9.3.2), and none after one that ended the connection. When Node cannot read on, the requests that it has
 * read are answered first. A request gets one answer: a fault in its body is refused only if its head was not.
 */
export class PipelineQueue {
  readonly #lines = new WeakMap<Duplex, Line>();

  /** Calls `begin` in turn, unless the connection ends before. */
  take(socket: Duplex, turn: Turn): void {
    if (isOver(socket)) return;
    const line = this.#lineOf(socket);
    line.latest = turn;
    if (!line.current) this.#begin(socket, line, turn);
    else if (line.waiting.length < BOUNDS.pipelinedRequests) line.waiting.push(turn);
    else socket.destroy();
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
    const line = this.#lines.get(socket) ?? { current: undefined, latest: undefined, waiting: [], last: '' };
    this.#lines.set(socket, line);
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
