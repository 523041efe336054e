import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { BOUNDS } from '../../timeouts.ts';

/**
 * Node hands over the requests of an HTTP/1 connection as fast as it reads them. This queue begins each one when the one before
 * is answered (RFC 9112 §9.3.2), and none after one that ended the connection. When Node cannot read on, the requests that it has
 * read are answered first.
 */
export class PipelineQueue {
  readonly #lines = new WeakMap<Duplex, Line>();

  /** Calls `begin` in turn, unless the connection ends before. */
  request(req: IncomingMessage, res: ServerResponse, begin: () => void): void {
    this.#take(req.socket, { req, res, begin });
  }

  /** Queues a request that takes the connection over: it ends HTTP on it. */
  takeover(socket: Duplex, begin: () => void): void {
    this.#take(socket, { req: undefined, res: undefined, begin });
  }

  /** Node could not read a request (RFC 9112 §2.2), or none came in time. */
  failed(error: Error & { code?: string }, socket: Duplex): void {
    const line = this.#lines.get(socket);
    if (line?.last) return;
    const refusal = `HTTP/1.1 ${STATUS[error.code ?? ''] ?? '400 Bad Request'}\r\nConnection: close\r\n\r\n`;
    // The fault is in the body of the request that was read last, or behind it.
    if (line?.waiting.at(-1)?.req?.complete === false) line.waiting.pop();
    const { req, res } = line?.current ?? {};
    if (!line?.current || req?.complete === false || !socket.writable) {
      refuse(socket, res?.headersSent ? '' : refusal);
      return;
    }
    line.last = refusal;
  }

  #take(socket: Duplex, turn: Turn): void {
    if (isOver(socket)) return;
    const line = this.#lines.get(socket) ?? { current: undefined, waiting: [], last: undefined };
    this.#lines.set(socket, line);
    if (!line.current) this.#begin(socket, line, turn);
    else if (line.waiting.length < BOUNDS.pipelinedRequests) line.waiting.push(turn);
    else socket.destroy();
  }

  #begin(socket: Duplex, line: Line, turn: Turn): void {
    line.current = turn;
    turn.res?.once('close', () => this.#next(socket, line));
    turn.begin();
  }

  #next(socket: Duplex, line: Line): void {
    line.current = undefined;
    if (isOver(socket)) return;
    const turn = line.waiting.shift();
    if (turn) this.#begin(socket, line, turn);
    else if (line.last) refuse(socket, line.last);
  }
}

interface Turn {
  req: IncomingMessage | undefined;
  res: ServerResponse | undefined;
  begin(): void;
}

interface Line {
  current: Turn | undefined;
  readonly waiting: Turn[];
  /** The bytes to write after the last answer, at the end of the connection. */
  last: string | undefined;
}

const STATUS: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: '413 Content Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

function isOver(socket: Duplex): boolean {
  return socket.writableEnded || socket.destroyed;
}

function refuse(socket: Duplex, refusal: string): void {
  if (socket.writable && refusal !== '') socket.write(refusal);
  socket.destroy();
}
