import { AppError } from '@spawner/domain';

/** One token of JSON (RFC 8259): punctuation, a string, or another scalar. */
const TOKEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: JSON strings must not hold control characters
  /[ \t\r\n]*(?:([{}[\],:])|("(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null))/y;

/** Parses JSON, or throws `invalid` naming the line and column where it stops being JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const before = text.slice(0, faultAt(text));
    const line = before.split('\n').length;
    const column = before.length - before.lastIndexOf('\n');
    const what = text.trim() === '' ? 'the body is empty' : 'the body is not JSON';
    throw new AppError('invalid', `${what}: stopped at line ${line}, column ${column}`, { cause });
  }
}

type Wanted = 'value' | 'value or ]' | 'key' | 'key or }' | ':' | ', or end';

/** Index of the first character that JSON does not allow there. */
function faultAt(text: string): number {
  const open: string[] = [];
  let wanted: Wanted = 'value';
  let at = 0;
  for (;;) {
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(text);
    const start = at + (/[ \t\r\n]*/y.exec(text.slice(at))?.[0].length ?? 0);
    if (!found) return start;
    const [, mark = '', string] = found;
    const next = step(wanted, mark, string !== undefined, open);
    if (next === undefined) return start;
    wanted = next;
    at = TOKEN.lastIndex;
  }
}

function step(wanted: Wanted, mark: string, isString: boolean, open: string[]): Wanted | undefined {
  const closes = (mark === '}' && open.at(-1) === '{') || (mark === ']' && open.at(-1) === '[');
  if (closes && (wanted === ', or end' || wanted === `key or }` || wanted === 'value or ]')) {
    open.pop();
    return ', or end';
  }
  switch (wanted) {
    case 'key':
    case 'key or }':
      return isString ? ':' : undefined;
    case ':':
      return mark === ':' ? 'value' : undefined;
    case ', or end':
      if (mark !== ',' || open.length === 0) return undefined;
      return open.at(-1) === '{' ? 'key' : 'value';
    default:
      if (mark === '') return ', or end';
      if (mark !== '{' && mark !== '[') return undefined;
      open.push(mark);
      return mark === '{' ? 'key or }' : 'value or ]';
  }
}
