import { COLON, endOfName, endOfValue, isLineEnd, lengthOf, trimmed } from '../../edge/header-lines.ts';
import { reachesSiblings } from '../../edge/headers.ts';
import { keptMsOf } from '../../edge/response-rules.ts';
import { BOUNDS } from '../../timeouts.ts';
import {
  CODING,
  CONNECTION,
  DATE,
  DROP,
  KEEP_ALIVE,
  LENGTH,
  PASS,
  responseKind,
  SET_COOKIE,
  UPGRADE,
} from './header-kinds.ts';

/**
 * The answers that the fast path understands (RFC 9112 §4, §6.3), and what of them a client gets: header lines as
 * they came, without what belongs to one hop and without cookies that would reach other backends.
 */
export interface StrictResponse {
  status: number;
  /** Status line and the header lines that cross to the client as they came. */
  lines: string;
  body: 'none' | 'length' | 'chunked' | 'close';
  /** Of a body with a length, in bytes. */
  length: number;
  /** The backend ends its connection after this answer. */
  close: boolean;
  /** How long the backend means to keep its connection open without a request, in milliseconds. */
  keptMs: number;
  /** It says when it was made (RFC 9110 §6.6.1). */
  dated: boolean;
  /** It agrees to speak WebSocket from here on. */
  upgrade: boolean;
}

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?\r\n/;

/** Takes a head up to and with the end of its last header line; `bodiless` answers a HEAD. Nothing where it is strange. */
export function readResponse(
  text: string,
  bodiless: boolean,
  clusterDomain: string,
): StrictResponse | undefined {
  const start = STATUS_LINE.exec(text);
  if (!start) return undefined;
  const status = Number(start[2]);
  const old = start[1] === '0';
  const bare = bodiless || status < 200 || status === 204 || status === 304;
  let kept = start[0].length;
  let lines = old ? `HTTP/1.1${text.slice(8, kept)}` : text.slice(0, kept);
  let length = -1;
  let chunked = false;
  let connection = '';
  let upgrade = '';
  let dated = false;
  let keptMs = Number.POSITIVE_INFINITY;
  let count = 0;
  for (let at = kept; at < text.length; ) {
    const nameEnd = endOfName(text, at);
    if (nameEnd === at || text.charCodeAt(nameEnd) !== COLON) return undefined;
    const valueEnd = endOfValue(text, nameEnd + 1);
    if (!isLineEnd(text, valueEnd) || ++count > BOUNDS.responseLines) return undefined;
    const next = valueEnd + 2;
    const kind = responseKind(text.slice(at, nameEnd));
    if (kind !== PASS) {
      const value = trimmed(text, nameEnd + 1, valueEnd);
      let keeps = false;
      switch (kind) {
        case LENGTH:
          if (length >= 0) return undefined;
          length = lengthOf(value);
          if (length < 0) return undefined;
          keeps = status >= 200 && status !== 204;
          break;
        case CODING:
          if (chunked || old || value.toLowerCase() !== 'chunked') return undefined;
          chunked = true;
          keeps = !bare;
          break;
        case CONNECTION:
          connection += `,${value}`;
          break;
        case UPGRADE:
          upgrade = value.toLowerCase();
          break;
        case SET_COOKIE:
          keeps = !reachesSiblings(value, clusterDomain);
          break;
        case KEEP_ALIVE:
          keptMs = keptMsOf(value);
          break;
        case DATE:
          dated = true;
          keeps = true;
          break;
        case DROP:
          break;
      }
      if (!keeps) {
        lines += text.slice(kept, at);
        kept = next;
      }
    }
    at = next;
  }
  if (chunked && length >= 0) return undefined;
  lines += text.slice(kept);
  const options = connection === '' ? NONE : optionsOf(connection);
  return {
    status,
    lines: options === NONE ? lines : withoutNamed(lines, options),
    body: bare ? 'none' : chunked ? 'chunked' : length >= 0 ? 'length' : 'close',
    length: Math.max(length, 0),
    close: (old && !options.includes('keep-alive')) || options.includes('close'),
    keptMs,
    dated,
    upgrade: upgrade === 'websocket' && options.includes('upgrade'),
  };
}

const NONE: readonly string[] = [];
const KEEP: readonly string[] = ['keep-alive'];
const CLOSE: readonly string[] = ['close'];
/** They say nothing about other header lines; framing must not be dropped by a name. */
const NAME_NOTHING = new Set(['', 'keep-alive', 'close', 'upgrade', 'content-length', 'transfer-encoding']);

function optionsOf(connection: string): readonly string[] {
  const value = connection.slice(1).toLowerCase();
  if (value === 'keep-alive') return KEEP;
  if (value === 'close') return CLOSE;
  return value.split(',').map((option) => option.trim());
}

/** Without the header lines that `Connection` names (RFC 9110 §7.6.1). */
function withoutNamed(lines: string, options: readonly string[]): string {
  const named = options.filter((option) => !NAME_NOTHING.has(option));
  if (named.length === 0) return lines;
  return lines
    .split('\r\n')
    .filter((line, at) => at === 0 || !named.includes(line.slice(0, line.indexOf(':')).toLowerCase()))
    .join('\r\n');
}
