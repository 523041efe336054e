/** The stranger's walk of CONTRIBUTING.md: each question about behaviour with the file and the symbol that answer it. */
import { literal } from './documents.ts';

export interface Step {
  question: string;
  file: string;
  symbol: string;
}

const ROW = /^\| ([^|]+?) \| `([^`|]+)` \| `([^`|]+)` \|$/gm;

export function stepsOf(page: string): Step[] {
  return [...page.matchAll(ROW)].map(([, question = '', file = '', symbol = '']) => ({
    question,
    file,
    symbol,
  }));
}

/** Whether the file declares the symbol: as a function, class, constant, type, method, or a function of Lua. */
export function declares(text: string, symbol: string): boolean {
  const name = literal(symbol.replace('()', ''));
  return [
    `\\b(?:function|class|const|let|interface|type|enum)\\s+${name}\\b`,
    `^\\s+(?:async |static |readonly |get |override )*#?${name}\\b\\s*[(:?=]`,
    `\\blocal (?:function )?${name}\\b`,
    `\\b(?:rpc|message)\\s+${name}\\b`,
  ].some((pattern) => new RegExp(pattern, 'm').test(text));
}
