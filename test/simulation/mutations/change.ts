import { HarnessError } from '../../memory-redis/errors.ts';

/** A deliberate fault: a text inside one symbol of a source file of the product becomes another one. */
export interface Change {
  /** From the root of the repository: a TypeScript module, or a script of libs/store/src/lua. */
  readonly file: string;
  /** The function or method that is changed; absent for the top level of a script or module. */
  readonly symbol?: string;
  readonly from: string;
  readonly to: string;
}

/** The text with this change. A symbol or text that is not there exactly once is an error: no fault may become none unseen. */
export function changedText(text: string, { file, symbol, from, to }: Change): string {
  const [begin, end] = symbol === undefined ? [0, text.length] : placeOf(text, symbol, file);
  const inside = text.slice(begin, end);
  if (inside.split(from).length !== 2)
    throw new HarnessError(`${file}: ${symbol ?? 'the file'} has no single ${JSON.stringify(from)}`);
  return text.slice(0, begin) + inside.replace(from, () => to) + text.slice(end);
}

/** The text of the symbol that is changed. */
export function symbolText(text: string, { file, symbol = '' }: Change): string {
  return text.slice(...placeOf(text, symbol, file));
}

/** Where a function or method begins and ends, by its declaration and the line that closes it at the same indent. */
function placeOf(text: string, symbol: string, file: string): [begin: number, end: number] {
  const closes = file.endsWith('.lua') ? 'end' : '}';
  const declares = new RegExp(
    `^( *)(?:(?:export|async|local|static|function|private|readonly) )*${symbol}(?=[(<])`,
    'gm',
  );
  const found = [...text.matchAll(declares)].flatMap(({ index, 1: indent = '' }) => {
    const close = text.indexOf(`\n${indent}${closes}\n`, index);
    const end = close < 0 ? text.length : close + 1 + indent.length + closes.length;
    return isDeclaration(text.slice(index, end), closes) ? [[index, end] as [number, number]] : [];
  });
  if (found.length !== 1) throw new HarnessError(`${file} has ${found.length} declarations of ${symbol}`);
  return found[0] as [number, number];
}

/** A call of the function ends its statement before a block opens. */
function isDeclaration(text: string, closes: string): boolean {
  if (closes === 'end') return /^ *(?:local )?function /.test(text);
  const opens = text.search(/\{\n/);
  const ends = text.search(/;\n/);
  return opens >= 0 && (ends < 0 || opens < ends);
}
