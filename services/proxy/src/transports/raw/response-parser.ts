import { withoutSiblingsCookies } from '../../edge/clear-site-data.ts';
import { COLON, endOfName, endOfValue, isLineEnd, lengthOf, trimmed } from '../../edge/header-lines.ts';
import { namedByConnection, reachesSiblings } from '../../edge/headers.ts';
import { lacksReferrerPolicy, REFERRER_POLICY } from '../../edge/referrer.ts';
import { allowsLength, isBodiless, keptMsOf, objectionTo } from '../../edge/response-rules.ts';
import { KIND, responseKind } from './header-kinds.ts';

/**
 * A response that the raw transport understands (RFC 9112 §4, §6.3) and that edge/response-rules.ts allows. Header lines cross
 * to the client as they came, without those of one hop and without cookies that would reach other backends.
 */
export type RawResponse = NonNullable<ReturnType<typeof readResponse>>;

/** How the end of a body is found (RFC 9112 §6.3); `close` is the end of the connection. */
export type BodyKind = 'none' | 'length' | 'chunked' | 'close';

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?\r\n/;

/**
 * Reads a head up to and with the end of its last header line. `toHead`: it answers a HEAD request. Returns undefined if the
 * client must not get it.
 */
export function readResponse(head: string, toHead: boolean, clusterDomain: string) {
  const start = STATUS_LINE.exec(head);
  if (!start) return undefined;
  const [statusLine, minor, code, reason = ''] = start;
  const status = Number(code);
  const old = minor === '0';
  const bodiless = isBodiless(status, toHead);
  let kept = statusLine.length;
  let text = old ? `HTTP/1.1${head.slice(8, kept)}` : head.slice(0, kept);
  let lines = 0;
  let length: number | undefined;
  let coding: string | undefined;
  let upgradeTo: string | undefined;
  let connection = '';
  let keptMs = Number.POSITIVE_INFINITY;
  let dated = false;
  let location: string | undefined;
  let contentType: string | undefined;
  let hasPolicy = false;
  let added = '';
  for (let at = kept; at < head.length; ) {
    const nameEnd = endOfName(head, at);
    if (nameEnd === at || head.charCodeAt(nameEnd) !== COLON) return undefined;
    const valueEnd = endOfValue(head, nameEnd + 1);
    if (!isLineEnd(head, valueEnd)) return undefined;
    const next = valueEnd + 2;
    lines += 1;
    const kind = responseKind(head.slice(at, nameEnd));
    if (kind !== KIND.PASS) {
      const value = trimmed(head, nameEnd + 1, valueEnd);
      let keeps = false;
      switch (kind) {
        case KIND.LENGTH:
          if (length !== undefined) return undefined;
          length = lengthOf(value);
          keeps = allowsLength(status);
          break;
        case KIND.CODING:
          if (coding !== undefined) return undefined;
          coding = value;
          keeps = !bodiless;
          break;
        case KIND.CONNECTION:
          connection += `,${value}`;
          break;
        case KIND.UPGRADE:
          upgradeTo = value;
          break;
        case KIND.SET_COOKIE:
          keeps = !reachesSiblings(value, clusterDomain);
          break;
        case KIND.KEEP_ALIVE:
          keptMs = keptMsOf(value);
          break;
        case KIND.LOCATION:
          location = value;
          keeps = true;
          break;
        case KIND.CONTENT_TYPE:
          contentType = value;
          keeps = true;
          break;
        case KIND.REFERRER_POLICY:
          hasPolicy = true;
          keeps = true;
          break;
        case KIND.CLEAR_SITE_DATA: {
          const cleared = withoutSiblingsCookies(value);
          keeps = cleared === value;
          if (cleared !== undefined && !keeps) added += `Clear-Site-Data: ${cleared}\r\n`;
          break;
        }
        case KIND.DATE:
          dated = true;
          keeps = true;
          break;
      }
      if (!keeps) {
        text += head.slice(kept, at);
        kept = next;
      }
    }
    at = next;
  }
  text += head.slice(kept);
  if (lacksReferrerPolicy(contentType, hasPolicy)) added += POLICY_LINE;
  text += added;
  const options = connection === '' ? NONE : optionsOf(connection);
  const framed = coding !== undefined ? 'chunked' : length !== undefined ? 'length' : 'close';
  const body: BodyKind = bodiless ? 'none' : framed;
  const response = {
    httpVersion: old ? '1.0' : '1.1',
    status,
    reason,
    lines,
    coding,
    length,
    upgradeTo,
    /** Status line and the header lines that cross to the client. */
    text: options === NONE ? text : withoutNamed(text, options),
    body,
    /** The backend closes its connection after this response. */
    close: (old && !options.includes('keep-alive')) || options.includes('close'),
    /** How long the backend keeps its connection without a request, in milliseconds. */
    keptMs,
    /** It has a `Date` (RFC 9110 §6.6.1). */
    dated,
    /** Its `Location`, as the backend sent it; undefined if there is none. */
    location,
    /** Its `Connection` names an upgrade. */
    upgrades: options.includes('upgrade'),
  };
  return objectionTo(response) === undefined ? response : undefined;
}

/** The text of a head whose `Location` is another one. */
export function withLocation(text: string, location: string): string {
  return text.replace(/^(location:[\t ]*)[^\r\n]*/im, (_line, name: string) => name + location);
}

const POLICY_LINE = `Referrer-Policy: ${REFERRER_POLICY}\r\n`;

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
