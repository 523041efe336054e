import { HarnessError } from '../errors.ts';
/**
 * Lua's patterns: not regular expressions, so they are matched as the manual of Lua 5.1 (§5.4.1) tells, by
 * trying. Text and pattern are latin1 strings.
 */
import { fault, type LuaValue } from './values.ts';

interface Capture {
  from: number;
  /** OPEN while it is not closed, POSITION for `()`. */
  length: number;
}

const OPEN = -1;
const POSITION = -2;

const among = (set: RegExp) => (char: string) => set.test(char);

const CLASSES: Record<string, (char: string) => boolean> = {
  a: among(/[A-Za-z]/),
  c: (char) => char < ' ' || char === '\x7f',
  d: among(/[0-9]/),
  l: among(/[a-z]/),
  p: among(/[!-/:-@[-`{-~]/),
  s: among(/[ \t-\r]/),
  u: among(/[A-Z]/),
  w: among(/[A-Za-z0-9]/),
  x: among(/[A-Fa-f0-9]/),
  z: (char) => char === '\0',
};

export interface Match {
  from: number;
  to: number;
  captures: LuaValue[];
}

/** The first match at or behind `start`, both counted from 0. */
export function search(text: string, pattern: string, start: number): Match | undefined {
  const anchored = pattern.startsWith('^');
  for (let from = start; from <= text.length; from++) {
    const matcher = new Matcher(text, pattern);
    const to = matcher.match(from, anchored ? 1 : 0);
    if (to !== undefined) return { from, to, captures: matcher.captures() };
    if (anchored) return undefined;
  }
  return undefined;
}

class Matcher {
  readonly #text: string;
  readonly #pattern: string;
  readonly #captures: Capture[] = [];

  constructor(text: string, pattern: string) {
    this.#text = text;
    this.#pattern = pattern;
  }

  captures(): LuaValue[] {
    return this.#captures.map(({ from, length }) => {
      if (length === POSITION) return from + 1;
      return length === OPEN ? fault('unfinished capture') : this.#text.slice(from, from + length);
    });
  }

  /** Where a match of the pattern's rest ends that begins at `at`. */
  match(at: number, rest: number): number | undefined {
    const pattern = this.#pattern;
    if (rest === pattern.length) return at;
    switch (pattern[rest]) {
      case '(':
        return pattern[rest + 1] === ')'
          ? this.#opened(at, rest + 2, POSITION)
          : this.#opened(at, rest + 1, OPEN);
      case ')':
        return this.#closed(at, rest + 1);
      case '$':
        if (rest + 1 === pattern.length) return at === this.#text.length ? at : undefined;
        break;
      case '%':
        if (pattern[rest + 1] === 'b') return this.#balanced(at, rest);
        if (pattern[rest + 1] === 'f') throw new HarnessError('the pattern %f is not supported here');
        if (/\d/.test(pattern[rest + 1] ?? '')) return this.#again(at, rest);
    }
    return this.#single(at, rest);
  }

  #single(at: number, rest: number): number | undefined {
    const end = this.#endOfClass(rest);
    const fits = (where: number) =>
      where < this.#text.length && this.#fits(this.#text[where] as string, rest, end);
    switch (this.#pattern[end]) {
      case '?':
        return (fits(at) ? this.match(at + 1, end + 1) : undefined) ?? this.match(at, end + 1);
      case '+':
        return fits(at) ? this.#longest(at + 1, fits, end + 1, at + 1) : undefined;
      case '*':
        return this.#longest(at, fits, end + 1, at);
      case '-':
        for (let to = at; ; to++) {
          const found = this.match(to, end + 1);
          if (found !== undefined || !fits(to)) return found;
        }
      default:
        return fits(at) ? this.match(at + 1, end) : undefined;
    }
  }

  #longest(at: number, fits: (at: number) => boolean, rest: number, least: number): number | undefined {
    let to = at;
    while (fits(to)) to++;
    for (; to >= least; to--) {
      const found = this.match(to, rest);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #opened(at: number, rest: number, length: number): number | undefined {
    this.#captures.push({ from: at, length });
    const end = this.match(at, rest);
    if (end === undefined) this.#captures.pop();
    return end;
  }

  #closed(at: number, rest: number): number | undefined {
    const open = this.#captures.findLast(({ length }) => length === OPEN) ?? fault('invalid pattern capture');
    open.length = at - open.from;
    const end = this.match(at, rest);
    if (end === undefined) open.length = OPEN;
    return end;
  }

  /** `%bxy`. */
  #balanced(at: number, rest: number): number | undefined {
    const [open, close] = [this.#pattern[rest + 2], this.#pattern[rest + 3]];
    if (close === undefined) fault('unbalanced pattern');
    if (this.#text[at] !== open) return undefined;
    let depth = 1;
    for (let to = at + 1; to < this.#text.length; to++) {
      if (this.#text[to] === close) depth--;
      else if (this.#text[to] === open) depth++;
      if (depth === 0) return this.match(to + 1, rest + 4);
    }
    return undefined;
  }

  /** `%1`: what was captured, once more. */
  #again(at: number, rest: number): number | undefined {
    const capture = this.#captures[Number(this.#pattern[rest + 1]) - 1];
    if (!capture || capture.length < 0) fault('invalid capture index');
    const { from, length } = capture as Capture;
    const same = this.#text.slice(from, from + length);
    return this.#text.startsWith(same, at) ? this.match(at + length, rest + 2) : undefined;
  }

  /** Behind the single class that begins there. */
  #endOfClass(rest: number): number {
    const pattern = this.#pattern;
    if (pattern[rest] === '%') {
      if (rest + 1 >= pattern.length) fault("malformed pattern (ends with '%')");
      return rest + 2;
    }
    if (pattern[rest] !== '[') return rest + 1;
    let at = rest + 1;
    if (pattern[at] === '^') at++;
    do {
      if (at >= pattern.length) fault("malformed pattern (missing ']')");
      at += pattern[at] === '%' ? 2 : 1;
    } while (pattern[at] !== ']');
    return at + 1;
  }

  #fits(char: string, from: number, to: number): boolean {
    const pattern = this.#pattern;
    if (pattern[from] === '.') return true;
    if (pattern[from] === '%') return inClass(char, pattern[from + 1] as string);
    if (pattern[from] !== '[') return pattern[from] === char;
    const not = pattern[from + 1] === '^';
    for (let at = from + (not ? 2 : 1); at < to - 1; at++) {
      const one = pattern[at] as string;
      if (one === '%') {
        if (inClass(char, pattern[++at] as string)) return !not;
      } else if (pattern[at + 1] === '-' && at + 2 < to - 1) {
        at += 2;
        if (one <= char && char <= (pattern[at] as string)) return !not;
      } else if (one === char) return !not;
    }
    return not;
  }
}

function inClass(char: string, letter: string): boolean {
  const known = CLASSES[letter.toLowerCase()];
  if (!known) return char === letter;
  return known(char) === (letter === letter.toLowerCase());
}
