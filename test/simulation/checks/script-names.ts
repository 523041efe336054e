import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';

const FOLDER = new URL('../../../libs/store/src/lua/', import.meta.url);

const SOURCES = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.lua'))
  .map((file) => ({ name: file.slice(0, -4), text: readFileSync(new URL(file, FOLDER), 'utf8') }));

/** Tells which script of libs/store a digest stands for, from the loads that went by. */
export class ScriptNames {
  readonly #names = new Map<string, string>();

  loaded(source: string): void {
    const sha = createHash('sha1').update(source).digest('hex');
    if (this.#names.has(sha)) return;
    const found = SOURCES.find(({ text }) => source.endsWith(text));
    if (found) this.#names.set(sha, found.name);
  }

  of(sha: string): string | undefined {
    return this.#names.get(sha);
  }
}
