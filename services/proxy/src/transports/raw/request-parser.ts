import { COLON, endOfName, endOfValue, isLineEnd, lengthOf, trimmed } from '../../edge/header-lines.ts';
import { BOUNDS } from '../../timeouts.ts';
import {
  ABOUT_CALLER,
  CODING,
  CONNECTION,
  DROP,
  FORWARDED,
  FORWARDED_FOR,
  FORWARDED_HOST,
  FORWARDED_PROTO,
  HOST,
  LENGTH,
  ONCE,
  PASS,
  requestKind,
  STRANGE,
  UPGRADE,
} from './header-kinds.ts';

/**
 * The requests that the fast path understands: a strict subset of RFC 9112 in which no two readers can
 * differ about where a request ends or whom it is for. Everything else is the general path's.
 */
export interface StrictRequest {
  method: string;
  /** Where path and query stand in the head. */
  pathFrom: number;
  pathTo: number;
  host: string;
  /** Request line and the header lines that cross to the backend as they came. */
  lines: string;
  /** Of the body, in bytes. */
  length: number;
  /** The client wants its connection closed after the answer. */
  close: boolean;
  /** A WebSocket handshake. */
  upgrade: boolean;
  /** What a trusted address says of its client; nothing where it says nothing. */
  claims: Claims | undefined;
}

export type Claims = Partial<
  Record<'x-forwarded-for' | 'x-forwarded-proto' | 'x-forwarded-host' | 'forwarded', string>
>;

const METHODS = ['GET', 'POST', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
const VERSION = ' HTTP/1.1\r\n';
const PLAIN_HOST = /^[A-Za-z0-9.-]{1,253}(?::\d{1,5})?$/;
const OPTIONS = /^[a-z-]+(?:[\t ]*,[\t ]*[a-z-]+)*$/;

/** Whether the beginning of a head may still become a request that is understood here: its whole lines are, in form. */
export function mayBecomeRequest(text: string): boolean {
  const isMethod = METHODS.some((name) => `${name} `.startsWith(text.slice(0, name.length + 1)));
  return isMethod && WHOLE_LINES.test(text);
}

const WHOLE_LINES =
  /^(?:[^\r\n]*\r?$|[^\r\n]* HTTP\/1\.1\r\n(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\r\n]*\r\n)*[^\r\n]*\r?$)/;

/** Takes a head up to and with the end of its last header line. Nothing where it is not one of these. */
export function readRequest(text: string, trusted: boolean): StrictRequest | undefined {
  const method = METHODS.find((name) => text.startsWith(name) && text.charCodeAt(name.length) === 0x20);
  if (method === undefined) return undefined;
  const pathFrom = method.length + 1;
  const pathTo = endOfPath(text, pathFrom);
  if (pathTo === pathFrom || !text.startsWith(VERSION, pathTo)) return undefined;
  const request: StrictRequest = {
    method,
    pathFrom,
    pathTo,
    host: '',
    lines: '',
    length: 0,
    close: false,
    upgrade: false,
    claims: undefined,
  };
  const ok = readHeaders(text, pathTo + VERSION.length, trusted, request);
  return ok && request.host !== '' ? request : undefined;
}

function readHeaders(text: string, from: number, trusted: boolean, request: StrictRequest): boolean {
  let kept = 0;
  let lines = '';
  let seen = 0;
  let connection = '';
  let upgrade = '';
  let hasLength = false;
  let count = 0;
  for (let at = from; at < text.length; ) {
    const nameEnd = endOfName(text, at);
    if (nameEnd === at || text.charCodeAt(nameEnd) !== COLON) return false;
    const valueEnd = endOfValue(text, nameEnd + 1);
    if (!isLineEnd(text, valueEnd) || ++count > BOUNDS.requestLines) return false;
    const next = valueEnd + 2;
    const kind = requestKind(text.slice(at, nameEnd));
    if (kind >= ONCE) {
      const bit = 1 << (kind - ONCE);
      if ((seen & bit) !== 0) return false;
      seen |= bit;
    } else if (kind !== PASS) {
      const value = trimmed(text, nameEnd + 1, valueEnd);
      let keeps = false;
      switch (kind) {
        case HOST:
          if (request.host !== '' || !PLAIN_HOST.test(value)) return false;
          request.host = value;
          keeps = true;
          break;
        case LENGTH:
          request.length = lengthOf(value);
          if (hasLength || request.length < 0) return false;
          hasLength = true;
          keeps = true;
          break;
        case CONNECTION:
          if (connection !== '' || value === '') return false;
          connection = value.toLowerCase();
          break;
        case UPGRADE:
          if (upgrade !== '' || value.toLowerCase() !== 'websocket') return false;
          upgrade = value;
          break;
        case ABOUT_CALLER:
          keeps = trusted;
          break;
        case FORWARDED_FOR:
        case FORWARDED_PROTO:
        case FORWARDED_HOST:
        case FORWARDED:
          if (trusted && !claim(request, text.slice(at, nameEnd).toLowerCase(), value)) return false;
          break;
        case DROP:
          break;
        case CODING:
        case STRANGE:
          return false;
      }
      if (!keeps) {
        lines += text.slice(kept, at);
        kept = next;
      }
    }
    at = next;
  }
  request.lines = kept === 0 ? text : lines + text.slice(kept);
  return readConnection(connection, upgrade !== '', hasLength, request);
}

/** Only what belongs to the connection itself may be named there (RFC 9110 §7.6.1). */
function readConnection(
  value: string,
  upgrade: boolean,
  hasLength: boolean,
  request: StrictRequest,
): boolean {
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

function claim(request: StrictRequest, name: string, value: string): boolean {
  request.claims ??= {};
  const claims = request.claims as Record<string, string>;
  if (claims[name] !== undefined) return false;
  claims[name] = value;
  return true;
}

/** Origin form (RFC 9112 §3.2.1), of visible ASCII characters and without a fragment. */
function endOfPath(text: string, from: number): number {
  if (text.charCodeAt(from) !== 0x2f) return from;
  let end = from;
  for (;;) {
    const code = text.charCodeAt(end);
    if (!(code > 0x20 && code < 0x7f) || code === 0x23) return end;
    end++;
  }
}
