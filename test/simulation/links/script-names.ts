import { readdirSync, readFileSync } from 'node:fs';

const FOLDER = new URL('../../../libs/store/src/lua/', import.meta.url);

const SOURCES = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.lua'))
  .map((file) => ({ name: file.slice(0, -4), text: readFileSync(new URL(file, FOLDER), 'utf8') }));

/** Tells which script of libs/store a digest stands for, from the loads that went by. */
export class ScriptNames {
  readonly #names = new Map<string, string>();

  loaded(source: string, sha: string): void {
    if (this.#names.has(sha)) return;
    const found = SOURCES.find(({ text }) => source.endsWith(text));
    if (found) this.#names.set(sha, found.name);
  }

  /** By digest, or by the text itself. */
  of(script: string): string | undefined {
    return this.#names.get(script) ?? SOURCES.find(({ text }) => script.endsWith(text))?.name;
  }
}
