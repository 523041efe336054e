import { readFileSync } from 'node:fs';
import { SCRIPTS } from '@spawner/store';
import { HarnessError } from '../../memory-redis/errors.ts';
import { type Change, changedText, symbolText } from './change.ts';

const ROOT = new URL('../../../', import.meta.url);

/**
 * Gives scripts as they are loaded, with the changes of Lua files. A changed function of the library is changed in every
 * script that it is linked into.
 */
export function changedScripts(changes: readonly Change[]): (source: string) => string {
  const scripts = changes.filter(({ file }) => file.endsWith('.lua')).map(replacementOf);
  if (scripts.length === 0) return (source) => source;
  const known = new Map<string, string>();
  return (source) => {
    const before = known.get(source);
    if (before !== undefined) return before;
    const after = scripts.reduce((text, { from, to }) => text.replace(from, () => to), source);
    known.set(source, after);
    return after;
  };
}

function replacementOf(change: Change): { from: string; to: string } {
  const text = readFileSync(new URL(change.file, ROOT), 'utf8').trimEnd();
  const isLibrary = change.file.includes('/library/');
  const from = isLibrary ? symbolText(text, change) : text;
  if (!Object.values(SCRIPTS).some(({ source }) => source.includes(from)))
    throw new HarnessError(`${change.file} is in no script`);
  return { from, to: changedText(from, change) };
}
