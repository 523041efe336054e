import { COLON, endOfName, endOfValue, isLineEnd, lengthOf, trimmed } from '../../edge/header-lines.ts';
import { namedByConnection, reachesSiblings } from '../../edge/headers.ts';
import {
  allowsLength,
  isBodiless,
  keptMsOf,
  objectionTo,
  objectionToSwitch,
  type ResponseHead,
} from '../../edge/response-rules.ts';
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
 * A response that the raw transport understands (RFC 9112 §4, §6.3) and that edge/response-rules.ts allows. Header lines cross
 * to the client as they came, without those of one hop and without cookies that would reach other backends.
 */
export class RawResponse implements ResponseHead {
  readonly httpVersion: string;
  readonly status: number;
  readonly reason: string;
  /** Status line and the header lines that cross to the client. */
  text = '';
  lines = 0;
  coding: string | undefined;
  length: number | undefined;
  upgradeTo: string | undefined;
  body: BodyKind = 'close';
  /** The backend closes its connection after this response. */
  close = false;
  /** How long the backend keeps its connection without a request, in milliseconds. */
  keptMs = Number.POSITIVE_INFINITY;
  /** It has a `Date` (RFC 9110 §6.6.1). */
  dated = false;
  /** It completes a WebSocket handshake. */
  switches = false;

  constructor(httpVersion: string, status: number, reason: string) {
    this.httpVersion = httpVersion;
    this.status = status;
    this.reason = reason;
  }
}

/** How the end of a body is found (RFC 9112 §6.3); `close` is the end of the connection. */
export type BodyKind = 'none' | 'length' | 'chunked' | 'close';

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?\r\n/;

/**
 * Reads a head up to and with the end of its last header line. `toHead`: it answers a HEAD request. Returns undefined if the
 * client must not get it.
 */
export function readResponse(head: string, toHead: boolean, clusterDomain: string): RawResponse | undefined {
  const start = STATUS_LINE.exec(head);
  if (!start) return undefined;
  const response = new RawResponse(start[1] === '0' ? '1.0' : '1.1', Number(start[2]), start[3] ?? '');
  const { status } = response;
  const old = response.httpVersion === '1.0';
  const bodiless = isBodiless(status, toHead);
  let kept = start[0].length;
  let text = old ? `HTTP/1.1${head.slice(8, kept)}` : head.slice(0, kept);
  let connection = '';
  for (let at = kept; at < head.length; ) {
    const nameEnd = endOfName(head, at);
    if (nameEnd === at || head.charCodeAt(nameEnd) !== COLON) return undefined;
    const valueEnd = endOfValue(head, nameEnd + 1);
    if (!isLineEnd(head, valueEnd)) return undefined;
    const next = valueEnd + 2;
    response.lines += 1;
    const kind = responseKind(head.slice(at, nameEnd));
    if (kind !== PASS) {
      let keeps = false;
      if (kind !== DROP) {
        const value = trimmed(head, nameEnd + 1, valueEnd);
        switch (kind) {
          case LENGTH:
            if (response.length !== undefined) return undefined;
            response.length = lengthOf(value);
            keeps = allowsLength(status);
            break;
          case CODING:
            if (response.coding !== undefined) return undefined;
            response.coding = value;
            keeps = !bodiless;
            break;
          case CONNECTION:
            connection += `,${value}`;
            break;
          case UPGRADE:
            response.upgradeTo = value;
            break;
          case SET_COOKIE:
            keeps = !reachesSiblings(value, clusterDomain);
            break;
          case KEEP_ALIVE:
            response.keptMs = keptMsOf(value);
            break;
          case DATE:
            response.dated = true;
            keeps = true;
            break;
        }
      }
      if (!keeps) {
        text += head.slice(kept, at);
        kept = next;
      }
    }
    at = next;
  }
  if (objectionTo(response) !== undefined) return undefined;
  text += head.slice(kept);
  const options = connection === '' ? NONE : optionsOf(connection);
  const { coding, length } = response;
  response.text = options === NONE ? text : withoutNamed(text, options);
  response.body = bodiless
    ? 'none'
    : coding !== undefined
      ? 'chunked'
      : length !== undefined
        ? 'length'
        : 'close';
  response.close = (old && !options.includes('keep-alive')) || options.includes('close');
  response.switches =
    status === 101 && options.includes('upgrade') && objectionToSwitch(response) === undefined;
  return response;
}

const NONE: readonly string[] = [];
const KEEP: readonly string[] = ['keep-alive'];
const CLOSE: readonly string[] = ['close'];

function optionsOf(connection: string): readonly string[] {
  const value = connection.slice(1).toLowerCase();
  if (value === 'keep-alive') return KEEP;
  if (value === 'close') return CLOSE;
  return value.split(',').map((option) => option.trim());
}

/** The head without the header lines that `Connection` names (RFC 9110 §7.6.1). */
function withoutNamed(text: string, options: readonly string[]): string {
  const named = namedByConnection(options);
  if (named.length === 0) return text;
  return text
    .split('\r\n')
    .filter((line, at) => at === 0 || !named.includes(line.slice(0, line.indexOf(':')).toLowerCase()))
    .join('\r\n');
}
