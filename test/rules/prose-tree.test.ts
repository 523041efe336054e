import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { complaintsOf, LONG_SHARE, LONG_WORDS, sentencesOf } from './prose.ts';
import { filesUnder } from './prose-files.ts';
import { root } from './sources.ts';

const files = filesUnder().map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));

/** `services/proxy`, `libs/store`, `docs`, or the name of a document at the root. */
function roomOf(path: string): string {
  const [room = '', part = '', rest] = path.split('/');
  return rest === undefined ? room : `${room}/${part}`;
}

const rooms = [...new Set(files.map(({ path }) => roomOf(path)))].sort();

describe('the language of', () => {
  it.each(rooms)('%s keeps the rules of CONTRIBUTING.md', (room) => {
    const own = files.filter(({ path }) => roomOf(path) === room);
    const complaints = own
      .flatMap(({ path, text }) => complaintsOf(path, text))
      .map(({ path, line, rule, text }) => `${path}:${line}: ${rule}: ${text}`);
    expect(complaints).toEqual([]);
  });

  it.each(rooms)(`%s has at most ${LONG_SHARE * 100} %% of sentences over ${LONG_WORDS} words`, (room) => {
    const own = files.filter(({ path }) => roomOf(path) === room);
    const sentences = own.flatMap(({ path, text }) => sentencesOf(path, text));
    const long = sentences.filter(({ words }) => words > LONG_WORDS);
    const allowed = Math.max(1, Math.floor(sentences.length * LONG_SHARE));
    expect(long.slice(allowed).map(({ text }) => text)).toEqual([]);
  });
});
