import { fixed, general } from '../c-format.ts';
import { HarnessError } from '../errors.ts';
import { numberOf } from './operators.ts';
import { search } from './patterns.ts';
import { fault, type LuaFunction, LuaTable, type LuaValue, typeName } from './values.ts';

const got = (value: LuaValue) => (value === undefined ? 'no value' : typeName(value));

/** A string argument; numbers are written out. */
export function string(value: LuaValue, at: number, where: string): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return general(value, 14);
  return fault(`bad argument #${at} to '${where}' (string expected, got ${got(value)})`);
}

/** A number argument; strings that are numbers are taken. */
export function number(value: LuaValue, at: number, where: string): number {
  if (typeof value === 'number') return value;
  const parsed = typeof value === 'string' ? numberOf(value) : undefined;
  return parsed ?? fault(`bad argument #${at} to '${where}' (number expected, got ${got(value)})`);
}

const whole = (value: LuaValue, at: number, where: string) => Math.trunc(number(value, at, where));

/** A place as Lua counts it: from 1, or from the end where it is negative. */
const position = (place: number, length: number) => (place < 0 ? Math.max(0, length + place + 1) : place);

/** First and last place of a part, cut to what is there, as JavaScript's slice takes them. */
function span(length: number, from: number, to: number): [number, number] {
  return [Math.max(1, position(from, length)) - 1, Math.min(length, position(to, length))];
}

interface Spec {
  text: string;
  left: boolean;
  zeros: boolean;
  width: number;
  digits: number | undefined;
  kind: string;
}

/** A format's parts: plain text, and what is put between. */
type Form = readonly (string | Spec)[];

/** Scripts have few formats; they are taken apart once. */
const MOST_FORMS = 1_000;
const forms = new Map<string, Form>();

function formOf(form: string): Form {
  let parts = forms.get(form);
  if (!parts) {
    if (forms.size >= MOST_FORMS) forms.clear();
    parts = (form.match(/%[-+ #0]*\d{0,2}(?:\.\d{0,2})?[\s\S]?|[^%]+/g) ?? []).map(specOf);
    forms.set(form, parts);
  }
  return parts;
}

function specOf(text: string): string | Spec {
  if (!text.startsWith('%')) return text;
  if (text === '%%') return '%';
  const [, flags = '', width = '', digits, kind = ''] =
    /^%([-+ #0]*)(\d*)(?:\.(\d*))?([\s\S]?)$/.exec(text) ?? [];
  if (/[+ #]/.test(flags) || kind === '')
    throw new HarnessError(`string.format('${text}') is not supported here`);
  const zeros = flags.includes('0') && kind !== 's';
  return {
    text,
    left: flags.includes('-'),
    zeros,
    width: Number(width),
    digits: digits === undefined ? undefined : Number(digits),
    kind,
  };
}

function format(form: LuaValue, ...given: LuaValue[]): string {
  let result = '';
  let at = 0;
  for (const part of formOf(string(form, 1, 'format'))) {
    if (typeof part === 'string') result += part;
    else {
      const value = given[at++];
      result += padded(converted(part, value, at + 1), part);
    }
  }
  return result;
}

function padded(text: string, { width, left, zeros }: Spec): string {
  if (text.length >= width) return text;
  if (left) return text.padEnd(width);
  if (!zeros) return text.padStart(width);
  const sign = text.startsWith('-') ? '-' : '';
  return sign + text.slice(sign.length).padStart(width - sign.length, '0');
}

function converted({ kind, digits, text }: Spec, value: LuaValue, at: number): string {
  switch (kind) {
    case 'f':
      return fixed(number(value, at, 'format'), digits ?? 6);
    case 'd':
    case 'i':
      if (digits === undefined) return fixed(whole(value, at, 'format') + 0, 0);
      break;
    case 'x':
    case 'X': {
      const code = whole(value, at, 'format');
      if (code < 0 || digits !== undefined) break;
      return kind === 'x' ? code.toString(16) : code.toString(16).toUpperCase();
    }
    case 'g':
      return general(number(value, at, 'format'), digits === 0 ? 1 : (digits ?? 6));
    case 's':
      return string(value, at, 'format').slice(0, digits);
    case 'c':
      return String.fromCharCode(whole(value, at, 'format') & 255);
  }
  throw new HarnessError(`string.format('${text}') is not supported here`);
}

/** `string.find` and `string.match`. */
function find(name: 'find' | 'match', subject: LuaValue, pattern: LuaValue, init: LuaValue, plain: LuaValue) {
  const [text, form] = [string(subject, 1, name), string(pattern, 2, name)];
  const start = Math.max(0, position(init === undefined ? 1 : whole(init, 3, name), text.length) - 1);
  if (start > text.length) return undefined;
  if (name === 'find' && plain !== undefined && plain !== false) {
    const at = text.indexOf(form, start);
    return at === -1 ? undefined : [at + 1, at + form.length];
  }
  const found = search(text, form, start);
  if (!found) return undefined;
  if (name === 'find') return [found.from + 1, found.to, ...found.captures];
  return found.captures.length > 0 ? found.captures : text.slice(found.from, found.to);
}

function gmatch(subject: LuaValue, pattern: LuaValue): LuaFunction {
  const [text, form] = [string(subject, 1, 'gmatch'), string(pattern, 2, 'gmatch')];
  if (form.startsWith('^')) throw new HarnessError('string.gmatch with an anchor is not supported here');
  let start = 0;
  return () => {
    const found = start <= text.length ? search(text, form, start) : undefined;
    if (!found) return undefined;
    start = found.to === found.from ? found.to + 1 : found.to;
    return found.captures.length > 0 ? found.captures : text.slice(found.from, found.to);
  };
}

function gsub(subject: LuaValue, pattern: LuaValue, by: LuaValue, most: LuaValue): LuaValue[] {
  const [text, form] = [string(subject, 1, 'gsub'), string(pattern, 2, 'gsub')];
  const limit = most === undefined ? Number.POSITIVE_INFINITY : whole(most, 4, 'gsub');
  let [result, start, count] = ['', 0, 0];
  while (count < limit && start <= text.length) {
    const found = search(text, form, start);
    if (!found) break;
    count++;
    const match = text.slice(found.from, found.to);
    result += text.slice(start, found.from) + replacement(by, match, found.captures);
    // An empty match takes one letter along.
    if (found.to === found.from) result += text.slice(found.to, found.to + 1);
    start = found.to === found.from ? found.to + 1 : found.to;
    if (form.startsWith('^')) break;
  }
  return [result + text.slice(start), count];
}

function replacement(by: LuaValue, match: string, captures: LuaValue[]): string {
  const key = captures.length > 0 ? captures[0] : match;
  if (by instanceof LuaTable || typeof by === 'function') {
    const made = by instanceof LuaTable ? by.get(key) : by(...(captures.length > 0 ? captures : [match]));
    const value = Array.isArray(made) ? (made[0] as LuaValue) : (made as LuaValue);
    return value === undefined || value === false ? match : string(value, 3, 'gsub');
  }
  return string(by, 3, 'gsub').replaceAll(/%([\s\S])/g, (_, what: string) => {
    if (!/\d/.test(what)) return what;
    if (what === '0') return match;
    const capture = what === '1' ? key : captures[Number(what) - 1];
    return capture === undefined ? fault('invalid capture index') : string(capture, 3, 'gsub');
  });
}

export const STRING_LIBRARY: Record<string, LuaFunction> = {
  'string.byte': (subject, from, to) => {
    const text = string(subject, 1, 'byte');
    const first = from === undefined ? 1 : whole(from, 2, 'byte');
    const part = text.slice(...span(text.length, first, to === undefined ? first : whole(to, 3, 'byte')));
    return [...part].map((char) => char.charCodeAt(0));
  },
  'string.char': (...codes) => {
    let text = '';
    for (let at = 0; at < codes.length; at++) {
      const code = whole(codes[at], at + 1, 'char');
      if (code < 0 || code > 255) fault(`bad argument #${at + 1} to 'char' (invalid value)`);
      text += String.fromCharCode(code);
    }
    return text;
  },
  'string.find': (subject, pattern, init, plain) => find('find', subject, pattern, init, plain),
  'string.format': format,
  'string.gmatch': gmatch,
  'string.gsub': gsub,
  'string.len': (subject) => string(subject, 1, 'len').length,
  'string.lower': (subject) =>
    string(subject, 1, 'lower').replaceAll(/[A-Z]+/g, (part) => part.toLowerCase()),
  'string.match': (subject, pattern, init) => find('match', subject, pattern, init, undefined),
  'string.rep': (subject, count) => string(subject, 1, 'rep').repeat(Math.max(0, whole(count, 2, 'rep'))),
  'string.reverse': (subject) => [...string(subject, 1, 'reverse')].reverse().join(''),
  'string.sub': (subject, from, to) => {
    const text = string(subject, 1, 'sub');
    return text.slice(
      ...span(text.length, whole(from, 2, 'sub'), to === undefined ? -1 : whole(to, 3, 'sub')),
    );
  },
  'string.upper': (subject) =>
    string(subject, 1, 'upper').replaceAll(/[a-z]+/g, (part) => part.toUpperCase()),
};
