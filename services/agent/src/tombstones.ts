import type { StateFiles } from './state-dir.ts';

const FILE = 'ended';
const KEPT = 10_000;

/** The latest ids that may not start any more, on disk; the oldest go when there are too many. */
export class Tombstones {
  readonly #dir: StateFiles;
  readonly #kept: number;
  readonly #ids: Set<string>;

  constructor(dir: StateFiles, kept = KEPT) {
    this.#dir = dir;
    this.#kept = kept;
    const lines = (dir.read(FILE) ?? '').split('\n').filter((line) => line !== '');
    this.#ids = new Set(lines.slice(-kept));
    if (lines.length > kept) this.#rewrite();
  }

  has(id: string): boolean {
    return this.#ids.has(id);
  }

  add(id: string): void {
    if (this.#ids.has(id)) return;
    this.#ids.add(id);
    this.#dir.append(FILE, `${id}\n`);
    // The file is rewritten once in a while, not at every end.
    if (this.#ids.size < 2 * this.#kept) return;
    for (const oldest of [...this.#ids].slice(0, -this.#kept)) this.#ids.delete(oldest);
    this.#rewrite();
  }

  #rewrite(): void {
    this.#dir.write(FILE, [...this.#ids].map((id) => `${id}\n`).join(''));
  }
}
