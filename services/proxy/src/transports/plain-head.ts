import { endOfName, lengthOf } from '../edge/header-lines.ts';
import { objectionTo } from '../edge/response-rules.ts';

/**
 * The head of a backend's answer in the one form that every parser reads alike, or why it has none. It takes what nginx, HAProxy,
 * Caddy and browsers take, for both transports: equal lengths that repeat, white space before the colon, folded lines, line ends
 * without CR, control characters, lines that are no header. The framing of the result is never ambiguous, and no control character is read past in it.
 */
export type PlainHead =
  | { readonly objection: string }
  | {
      readonly objection?: undefined;
      readonly status: number;
      /** Status line and header lines, each with CR LF. */
      readonly text: string;
    };

const STATUS_LINE = /^HTTP\/(\d\.\d) +(\d{3})(?: (.*))?$/;
const NO_STATUS_LINE = 'it does not begin with a status line of HTTP';
const START = 'HTTP/';
const LINE_END = /\r?\n/;
const FOLD = /\r?\n[ \t]+/g;
/** No reader finds a header in lines that begin with white space behind the status line (RFC 9112 §2.2). */
const BLANK_START = /^(?:\r?\n[ \t][^\n]*)+/;
/** Not trim(), which takes bytes of UTF-8 for white space. */
const AROUND = /^[ \t]+|[ \t]+$/g;
/** Readers differ in where these end a line or a value. */
const NEVER = /\0|\r(?!\n)/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const CONTROL = /[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]/g;
const ENDS = [Buffer.from('\n\r\n'), Buffer.from('\n\n')];

/** Reads a head, one character per byte, with or without the blank line that ends it. */
export function plainHead(head: string): PlainHead {
  if (NEVER.test(head)) return { objection: 'its header has a NUL character or a CR without LF' };
  const [first = ''] = head.split(LINE_END, 1);
  const [, httpVersion = '', code = '', reason = ''] = STATUS_LINE.exec(first.replace(CONTROL, ' ')) ?? [];
  if (httpVersion === '') return { objection: NO_STATUS_LINE };
  const status = Number(code);
  const rest = head.slice(first.length).replace(BLANK_START, '').replace(FOLD, ' ').split(LINE_END);
  const lines = rest.map(split).filter((line) => line !== undefined);
  const valuesOf = (name: string) =>
    lines.filter(([other]) => other.toLowerCase() === name).map(([, value]) => value);
  const coding = valuesOf('transfer-encoding')
    .filter((value) => value.toLowerCase() !== 'identity')
    .join(', ');
  const lengths = new Set(valuesOf('content-length').flatMap((value) => value.split(',').map(plainLength)));
  if (lengths.size > 1) return { objection: 'it has lengths that differ' };
  const framing = [...(coding === '' ? [...lengths].map((length) => `Content-Length: ${length}`) : [])];
  if (coding !== '') framing.push(`Transfer-Encoding: ${coding}`);
  // RFC 9112 §6.3: the coding decides, and the connection must not be used again.
  if (coding !== '' && lengths.size > 0) framing.push('Connection: close');
  const others = lines.filter(([name]) => !/^(?:content-length|transfer-encoding)$/i.test(name));
  const objection = objectionTo({
    ...{ httpVersion, status, reason, upgradeTo: undefined },
    lines: others.length + framing.length,
    coding: coding === '' ? undefined : coding,
    length: coding === '' ? [...lengths].map(lengthOf)[0] : undefined,
  });
  if (objection !== undefined) return { objection };
  const texts = [...others.map(([name, value]) => `${name}: ${value.replace(CONTROL, ' ')}`), ...framing];
  return { status, text: [`HTTP/${httpVersion} ${code} ${reason}`, ...texts, ''].join('\r\n') };
}

/** Why bytes never become the head of an answer, even if it never ends; undefined if they may. */
export function objectionToStart(bytes: Buffer, from: number, to: number): string | undefined {
  const start = bytes.toString('latin1', from, Math.min(to, from + START.length));
  return START.startsWith(start) ? undefined : NO_STATUS_LINE;
}

/** The offset behind the blank line that ends a head between the offsets, or -1. */
export function endOfHead(bytes: Buffer, from: number, to: number): number {
  const part = bytes.subarray(from, to);
  const found = ENDS.map((end) => ({ at: part.indexOf(end), size: end.length })).filter(({ at }) => at >= 0);
  return found.length === 0 ? -1 : from + Math.min(...found.map(({ at, size }) => at + size));
}

/** Undefined for a line that is no header: it is left out, because no reader would find it. */
function split(line: string): readonly [name: string, value: string] | undefined {
  const colon = line.indexOf(':');
  const name = line.slice(0, Math.max(0, colon)).replace(/[ \t]+$/, '');
  const isHeader = name !== '' && endOfName(name, 0) === name.length;
  return isHeader ? [name, line.slice(colon + 1).replace(AROUND, '')] : undefined;
}

function plainLength(value: string): string {
  return value.replace(AROUND, '').replace(/^0+(?=\d)/, '');
}
