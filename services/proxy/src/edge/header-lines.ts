/**
 * Characters and line ends of a message head (RFC 9110 §5.5, §5.6.2), in a string of single bytes that ends with CR LF.
 */
export const CR = 0x0d;
export const LF = 0x0a;
export const COLON = 0x3a;
export const SPACE = 0x20;
const TAB = 0x09;

const TOKEN = table((code, char) => /[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(char) && code < 0x80);
/** Visible characters, space, tab and bytes beyond ASCII, but no other control character. */
const VALUE = table((code) => code === TAB || (code >= SPACE && code !== 0x7f));

/** The offset of the first character at or after `at` that no name may have. */
export function endOfName(text: string, at: number): number {
  let end = at;
  while (TOKEN[text.charCodeAt(end)] === 1) end++;
  return end;
}

/** The offset of the first character at or after `at` that no value may have; the line must end there. */
export function endOfValue(text: string, at: number): number {
  let end = at;
  while (VALUE[text.charCodeAt(end)] === 1) end++;
  return end;
}

export function isLineEnd(text: string, at: number): boolean {
  return text.charCodeAt(at) === CR && text.charCodeAt(at + 1) === LF;
}

/** A value without the white space around it. */
export function trimmed(text: string, from: number, to: number): string {
  let [begin, end] = [from, to];
  while (begin < end && isBlank(text.charCodeAt(begin))) begin++;
  while (end > begin && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(begin, end);
}

const LENGTH = /^(?:0|[1-9]\d{0,14})$/;

/** A Content-Length in its one plain form, or -1. */
export function lengthOf(value: string): number {
  return LENGTH.test(value) ? Number(value) : -1;
}

/** Whether the beginning of a head may still become one: it has no control character, and no bare CR or LF. */
export function mayBecomeHead(text: string): boolean {
  return !NEVER.test(text);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const NEVER = /(?:^|[^\r])\n|\r(?!\n|$)|[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/;

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}

function table(accepts: (code: number, char: string) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, code) => (accepts(code, String.fromCharCode(code)) ? 1 : 0));
}
