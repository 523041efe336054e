import type { AccessEntry } from '../../access-log/access-entry.ts';
import { COLON, endOfName, endOfValue, isLineEnd, lengthOf, trimmed } from '../../edge/header-lines.ts';
import type { EdgeRequest, Peer } from '../../edge/request.ts';
import { BOUNDS } from '../../timeouts.ts';
import { KIND, requestKind } from './header-kinds.ts';

/**
 * A request that the raw transport understands: a strict subset of RFC 9112. No two readers can differ about its end or its host.
 * Every other request is left to Node's parser.
 */
export class RawRequest implements EdgeRequest {
  readonly method: string;
  readonly peer: Peer;
  readonly path: string;
  readonly protocol = 'HTTP/1.1';
  readonly refusal = undefined;
  host = '';
  backendId: string | undefined;
  upgrade = false;
  /** Request line and the header lines that cross to the backend as they came. */
  lines = '';
  /** Length of the body, in bytes. */
  length = 0;
  /** The client asks to close its connection after the response. */
  close = false;
  /** Header lines that the proxy adds for the backend. */
  added = '';
  /** Undefined if there is no access log. */
  access: AccessEntry | undefined;
  readonly #head: string;

  constructor(method: string, peer: Peer, head: string, path: string) {
    this.method = method;
    this.peer = peer;
    this.path = path;
    this.#head = head;
  }

  /** Length of the request line, with its end. */
  get lineLength(): number {
    return this.method.length + 1 + this.path.length + VERSION.length;
  }

  /** Searches the head: the hot path asks for no header. */
  header(name: string): string | undefined {
    const head = this.#head;
    for (let at = head.indexOf('\r\n') + 2; at < head.length; at = head.indexOf('\r\n', at) + 2) {
      const nameEnd = endOfName(head, at);
      if (head.slice(at, nameEnd).toLowerCase() === name)
        return trimmed(head, nameEnd + 1, endOfValue(head, nameEnd + 1));
    }
    return undefined;
  }
}

const METHODS = ['GET', 'POST', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
const VERSION = ' HTTP/1.1\r\n';
const PLAIN_HOST = /^[A-Za-z0-9.-]{1,253}(?::\d{1,5})?$/;
const OPTIONS = /^[a-z-]+(?:[\t ]*,[\t ]*[a-z-]+)*$/;

/** Whether the beginning of a head may still become a request for `readRequest`, judged by its first word and its whole lines. */
export function mayBecomeRequest(text: string): boolean {
  const isMethod = METHODS.some((name) => `${name} `.startsWith(text.slice(0, name.length + 1)));
  return isMethod && WHOLE_LINES.test(text);
}

const WHOLE_LINES =
  /^(?:[^\r\n]*\r?$|[^\r\n]* HTTP\/1\.1\r\n(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\r\n]*\r\n)*[^\r\n]*\r?$)/;

/** Reads a head up to and with the end of its last header line. Returns undefined if it is for Node's parser. */
export function readRequest(head: string, peer: Peer): RawRequest | undefined {
  const request = readRequestLine(head, peer);
  if (!request) return undefined;
  const ok = readHeaders(head, request.lineLength, request);
  return ok && request.host !== '' ? request : undefined;
}

/** Reads a request line whose header lines have the bytes of those of `like`: all of them, and the `kept` ones, which cross. */
export function repeatRequest(line: string, like: RawRequest, texts: { headers: string; kept: string }) {
  const request = readRequestLine(line, like.peer, line + texts.headers);
  if (!request) return undefined;
  request.host = like.host;
  request.length = like.length;
  request.close = like.close;
  request.lines = line + texts.kept;
  return request;
}

function readRequestLine(text: string, peer: Peer, head = text): RawRequest | undefined {
  const method = methodOf(text);
  if (method === undefined) return undefined;
  const pathFrom = method.length + 1;
  const pathTo = endOfPath(text, pathFrom);
  if (pathTo === pathFrom || !text.startsWith(VERSION, pathTo)) return undefined;
  return new RawRequest(method, peer, head, text.slice(pathFrom, pathTo));
}

function methodOf(head: string): string | undefined {
  for (const method of METHODS)
    if (head.startsWith(method) && head.charCodeAt(method.length) === 0x20) return method;
  return undefined;
}

function readHeaders(head: string, from: number, request: RawRequest): boolean {
  const { trusted } = request.peer;
  let kept = 0;
  let lines = '';
  let seen = 0;
  let claims = 0;
  let connection = '';
  let upgrade = '';
  let hasLength = false;
  let count = 0;
  for (let at = from; at < head.length; ) {
    const nameEnd = endOfName(head, at);
    if (nameEnd === at || head.charCodeAt(nameEnd) !== COLON) return false;
    const valueEnd = endOfValue(head, nameEnd + 1);
    if (!isLineEnd(head, valueEnd) || ++count > BOUNDS.requestLines) return false;
    const next = valueEnd + 2;
    const kind = requestKind(head.slice(at, nameEnd));
    if (kind >= KIND.ONCE) {
      const bit = 1 << (kind - KIND.ONCE);
      if ((seen & bit) !== 0) return false;
      seen |= bit;
    } else if (kind !== KIND.PASS) {
      let keeps = false;
      if (kind >= KIND.FORWARDED) {
        const bit = 1 << (kind - KIND.FORWARDED);
        if (trusted && (claims & bit) !== 0) return false;
        claims |= bit;
      } else if (kind === KIND.CALLER) keeps = trusted;
      else if (kind === KIND.LEAVE) return false;
      else if (kind !== KIND.DROP) {
        const value = trimmed(head, nameEnd + 1, valueEnd);
        switch (kind) {
          case KIND.HOST:
            if (request.host !== '' || !PLAIN_HOST.test(value)) return false;
            request.host = value;
            keeps = true;
            break;
          case KIND.LENGTH:
            request.length = lengthOf(value);
            if (hasLength || request.length < 0) return false;
            hasLength = true;
            keeps = true;
            break;
          case KIND.CONNECTION:
            if (connection !== '' || value === '') return false;
            connection = value.toLowerCase();
            break;
          case KIND.UPGRADE:
            if (upgrade !== '' || value.toLowerCase() !== 'websocket') return false;
            upgrade = value;
            break;
        }
      }
      if (!keeps) {
        lines += head.slice(kept, at);
        kept = next;
      }
    }
    at = next;
  }
  request.lines = kept === 0 ? head : lines + head.slice(kept);
  return readConnection(connection, upgrade !== '', hasLength, request);
}

/** Reads `Connection`, which may name only what belongs to the connection itself (RFC 9110 §7.6.1). */
function readConnection(value: string, upgrade: boolean, hasLength: boolean, request: RawRequest): boolean {
  let asksUpgrade = false;
  if (value !== '' && value !== 'keep-alive') {
    if (!OPTIONS.test(value)) return false;
    for (const token of value.split(',')) {
      const option = token.trim();
      if (option === 'close') request.close = true;
      else if (option === 'upgrade') asksUpgrade = true;
      else if (option !== 'keep-alive') return false;
    }
  }
  if (asksUpgrade !== upgrade) return false;
  request.upgrade = upgrade;
  return !upgrade || (request.method === 'GET' && !hasLength && !request.close);
}

/** The end of an origin form (RFC 9112 §3.2.1) of visible ASCII characters and without a fragment. */
function endOfPath(head: string, from: number): number {
  if (head.charCodeAt(from) !== 0x2f) return from;
  let end = from;
  for (;;) {
    const code = head.charCodeAt(end);
    if (!(code > 0x20 && code < 0x7f) || code === 0x23) return end;
    end++;
  }
}
