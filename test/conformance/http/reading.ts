/**
 * Reads requests from a connection's bytes as a server does (RFC 9112), with the server's habits as data. The strict reading
 * refuses everything that two servers could read differently. The lenient readings accept it, each in its own way. Bytes are
 * latin1 text.
 */
import { type ChunkHabits, readChunks } from './chunked-body.ts';
import { Fault, type Line, lineAt, Unfinished } from './lines.ts';

export interface Habits extends ChunkHabits {
  name: string;
  /** Whether blanks around a name are ignored, `_` is read as `-`, and a folded line joins the one before. */
  looseHead: boolean;
  /** Which one counts if there are a length and a coding. */
  both: 'fault' | 'coding' | 'length';
  /** Which of several lengths counts. */
  lengths: 'fault' | 'first' | 'last';
  /** Whether a body is chunked by that one word alone, or if the word occurs anywhere. */
  chunked: 'alone' | 'anywhere';
}

export interface SeenRequest {
  method: string;
  target: string;
  version: string;
  headers: [name: string, value: string][];
  body: string;
}

export interface Reading {
  requests: SeenRequest[];
  /** The bytes behind the last whole request: none, the beginning of a request, a tunnel, or no request. */
  rest: 'nothing' | 'unfinished' | 'tunnel' | 'fault';
  fault?: string;
  /** Offset behind the last whole request. */
  end: number;
}

export const STRICT: Habits = {
  name: 'strict',
  lineEnd: 'CRLF',
  looseHead: false,
  both: 'fault',
  lengths: 'fault',
  chunked: 'alone',
  looseNumbers: false,
};

const LENIENT: Habits = { ...STRICT, name: '', lineEnd: 'LF', looseHead: true, looseNumbers: true };

/** Habits that servers in use have or had. */
export const LENIENT_HABITS: readonly Habits[] = [
  { ...LENIENT, name: 'coding first', both: 'coding', lengths: 'last', chunked: 'anywhere' },
  { ...LENIENT, name: 'length first', both: 'length', lengths: 'first' },
  { ...LENIENT, name: 'bare CR ends a line', lineEnd: 'CR', both: 'coding', lengths: 'first' },
];

export function readRequests(bytes: string, habits: Habits): Reading {
  const requests: SeenRequest[] = [];
  let at = 0;
  for (;;) {
    const begin = afterEmptyLines(bytes, at);
    if (begin >= bytes.length) return { requests, rest: 'nothing', end: at };
    try {
      const { request, end } = readRequest(bytes, begin, habits);
      requests.push(request);
      at = end;
      if (isUpgrade(request)) return { requests, rest: 'tunnel', end: at };
    } catch (stop) {
      if (stop instanceof Unfinished) return { requests, rest: 'unfinished', end: at };
      if (stop instanceof Fault) return { requests, rest: 'fault', fault: stop.message, end: at };
      throw stop;
    }
  }
}

/** The values of a request's headers of this name, which is in lower case. */
export function valuesOf({ headers }: Pick<SeenRequest, 'headers'>, name: string): string[] {
  return headers.filter(([own]) => own.toLowerCase() === name).map(([, value]) => value);
}

/** RFC 9112 §2.2: empty lines before a request line are to be ignored, whatever ends them. */
function afterEmptyLines(bytes: string, at: number): number {
  let begin = at;
  while (bytes[begin] === '\r' || bytes[begin] === '\n') begin += 1;
  return begin;
}

function readRequest(bytes: string, from: number, habits: Habits) {
  const start = lineAt(bytes, from, habits.lineEnd);
  const [method = '', target = '', version = ''] = startLine(start.text, habits);
  const headers: [string, string][] = [];
  let line: Line = lineAt(bytes, start.next, habits.lineEnd);
  for (; line.text !== ''; line = lineAt(bytes, line.next, habits.lineEnd))
    addHeader(headers, line.text, habits);
  const request = { method, target, version, headers, body: '' };
  if (version === 'HTTP/1.1' && valuesOf(request, 'host').length !== 1 && !habits.looseHead)
    throw new Fault('not one Host header');
  const { body, end } = readBody(bytes, line.next, request, habits);
  return { request: { ...request, body }, end };
}

function startLine(text: string, { looseHead }: Habits): string[] {
  const form = looseHead
    ? /^\s*(\S+)\s+(\S+)\s+(HTTP\/\d\.\d)\s*$/i
    : /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) +([\x21-\x7e\x80-\xff]+) +(HTTP\/1\.[01])$/;
  const parts = form.exec(text);
  if (!parts) throw new Fault(`no request line: ${JSON.stringify(text.slice(0, 60))}`);
  return parts.slice(1);
}

const STRICT_HEADER = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):([\t\x20-\x7e\x80-\xff]*)$/;

function addHeader(headers: [string, string][], text: string, { looseHead }: Habits): void {
  const last = headers.at(-1);
  if (looseHead) {
    if (/^[ \t]/.test(text) && last) last[1] += ` ${text.trim()}`;
    const colon = text.indexOf(':');
    if (colon < 0) return;
    const name = text.slice(0, colon).trim().replaceAll('_', '-');
    headers.push([name, text.slice(colon + 1).trim()]);
    return;
  }
  const parts = STRICT_HEADER.exec(text);
  if (!parts) throw new Fault(`no header line: ${JSON.stringify(text.slice(0, 60))}`);
  headers.push([parts[1] ?? '', (parts[2] ?? '').replace(/^[\t ]+|[\t ]+$/g, '')]);
}

function readBody(bytes: string, from: number, request: SeenRequest, habits: Habits) {
  const codings = valuesOf(request, 'transfer-encoding');
  const lengths = valuesOf(request, 'content-length');
  const coding = codings.join(', ').toLowerCase();
  const chunked = habits.chunked === 'alone' ? coding === 'chunked' : coding.includes('chunked');
  if (habits.both === 'fault' && codings.length > 0) {
    if (lengths.length > 0) throw new Fault('a length beside a coding');
    if (!chunked || request.version !== 'HTTP/1.1') throw new Fault(`the coding ${coding}`);
  }
  if (chunked && !(habits.both === 'length' && lengths.length > 0)) return readChunks(bytes, from, habits);
  const length = lengthOf(lengths, habits);
  if (from + length > bytes.length) throw new Unfinished();
  return { body: bytes.slice(from, from + length), end: from + length };
}

function lengthOf(lengths: string[], habits: Habits): number {
  if (lengths.length === 0) return 0;
  if (habits.lengths === 'fault' && lengths.length > 1) throw new Fault('several lengths');
  const text = (habits.lengths === 'last' ? lengths.at(-1) : lengths[0]) ?? '';
  const length = habits.looseNumbers
    ? Number.parseInt(text, 10)
    : /^\d{1,18}$/.test(text)
      ? Number(text)
      : -1;
  if (habits.looseNumbers) return Number.isNaN(length) || length < 0 ? 0 : length;
  if (length < 0) throw new Fault(`the length ${text}`);
  return length;
}

function isUpgrade(request: SeenRequest): boolean {
  const tokens = valuesOf(request, 'connection').join(',').toLowerCase();
  return tokens.includes('upgrade') && valuesOf(request, 'upgrade').length > 0;
}
