import { Agent, type AgentOptions, type ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import type { Failure } from '../../edge/request.ts';
import { isInterim, tooLarge } from '../../edge/response-rules.ts';
import { isRefusal } from '../dialling.ts';
import { HeadBytes } from '../head-bytes.ts';
import { endOfHead, objectionToStart, plainHead } from '../plain-head.ts';

/** The backend has answered, but the answer cannot be forwarded. */
export class UnforwardableAnswer extends Error {
  readonly objection: string;

  constructor(objection: string) {
    super(`the backend's answer cannot be forwarded: ${objection}`);
    this.objection = objection;
  }
}

/** How the backend failed a request that ended with this error. */
export function failureOf(error: Error): Failure {
  if (error instanceof UnforwardableAnswer) return { objection: error.objection };
  const isOfParser = String((error as NodeJS.ErrnoException).code).startsWith('HPE_');
  return isOfParser ? { objection: 'it cannot be read as HTTP' } : { refused: isRefusal(error) };
}

interface NodeAgent {
  addRequest(request: ClientRequest, options: object): void;
}

/**
 * An agent of Node's whose parser gets the heads of answers in their plain form (transports/plain-head.ts), and none that is too large.
 * Node's parser by itself refuses what browsers and other proxies take.
 */
export class AnswerAgent extends Agent implements NodeAgent {
  readonly #maxBytes: number;

  constructor(maxBytes: number, options?: AgentOptions) {
    super(options);
    this.#maxBytes = maxBytes;
  }

  /** Node calls it with each request, before the request has a connection. */
  addRequest(request: ClientRequest, options: object): void {
    // The limits of Node's parser are beyond ours, so that ours decide.
    Object.assign(request, { maxHeaderSize: 2 * this.#maxBytes, maxHeadersCount: 0 });
    request.once('socket', (socket) => this.#filter(request, socket));
    (Agent.prototype as unknown as NodeAgent).addRequest.call(this, request, options);
  }

  /** Puts itself before Node's parser, which has begun to listen. Node removes its listener, and so this one, after the answer. */
  #filter(request: ClientRequest, socket: Socket): void {
    const answer = new AnswerFilter(this.#maxBytes);
    for (const parse of socket.rawListeners('data') as ((bytes: Buffer) => void)[]) {
      const filtered = (bytes: Buffer) => {
        const passed = answer.pass(bytes);
        if (passed instanceof UnforwardableAnswer) request.destroy(passed);
        else if (passed.length > 0) parse.call(socket, passed);
      };
      socket.removeListener('data', parse);
      socket.on('data', Object.assign(filtered, { listener: parse }));
    }
  }
}

/** Makes the heads of one answer plain, the interim ones too. */
export class AnswerFilter {
  readonly #maxBytes: number;
  /** The bytes of an incomplete head; undefined once the final one is over. */
  #head: HeadBytes | undefined = new HeadBytes();

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Takes the next bytes. Returns what can be parsed of all that has come. */
  pass(next: Buffer): Buffer | UnforwardableAnswer {
    const head = this.#head;
    if (!head) return next;
    let searched = Math.max(0, head.length - 3);
    head.add(next, 0, next.length);
    const parts: Buffer[] = [];
    for (;;) {
      head.drop(lineEnds(head.bytes));
      const end = endOfHead(head.bytes, searched, head.length);
      if ((end < 0 ? head.length : end) > this.#maxBytes)
        return new UnforwardableAnswer(tooLarge(this.#maxBytes));
      if (end < 0) {
        const objection = objectionToStart(head.bytes, 0, head.length);
        return objection === undefined ? Buffer.concat(parts) : new UnforwardableAnswer(objection);
      }
      const plain = plainHead(head.bytes.toString('latin1', 0, end));
      if (plain.objection !== undefined) return new UnforwardableAnswer(plain.objection);
      parts.push(Buffer.from(`${plain.text}\r\n`, 'latin1'));
      head.drop(end);
      searched = 0;
      if (isInterim(plain.status)) continue;
      this.#head = undefined;
      return Buffer.concat([...parts, head.bytes]);
    }
  }
}

/** The number of line ends that come before a status line. */
function lineEnds(bytes: Buffer): number {
  const at = bytes.findIndex((byte) => byte !== 0x0d && byte !== 0x0a);
  return at < 0 ? bytes.length : at;
}
