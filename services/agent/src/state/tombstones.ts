import type { StateFiles } from './state-dir.ts';

const FILE = 'ended';
const KEPT = 10_000;

/**
 * The ids that may not start any more, stored on disk, each with its placement (0 if it was never here). The oldest are
 * dropped if there are too many. The highest placement outlives the records, so that a store that lost it can learn it.
 */
export class Tombstones {
  readonly #dir: StateFiles;
  readonly #kept: number;
  readonly #ids: Map<string, number>;

  constructor(dir: StateFiles, kept = KEPT) {
    this.#dir = dir;
    this.#kept = kept;
    const lines = (dir.read(FILE) ?? '').split('\n').filter((line) => line !== '');
    this.#ids = new Map(lines.slice(-kept).map(readLine));
    if (lines.length > kept) this.#rewrite();
  }

  has(id: string): boolean {
    return this.#ids.has(id);
  }

  /** 0 if none is known. */
  get highestPlacement(): number {
    return Math.max(0, ...this.#ids.values());
  }

  add(id: string, placement = 0): void {
    if ((this.#ids.get(id) ?? -1) >= placement) return;
    this.#ids.set(id, placement);
    this.#dir.append(FILE, `${id} ${placement}\n`);
    // The file is rewritten only after many ends.
    if (this.#ids.size < 2 * this.#kept) return;
    for (const oldest of [...this.#ids.keys()].slice(0, -this.#kept)) this.#ids.delete(oldest);
    this.#rewrite();
  }

  #rewrite(): void {
    this.#dir.write(FILE, [...this.#ids].map(([id, placement]) => `${id} ${placement}\n`).join(''));
  }
}

function readLine(line: string): [string, number] {
  const [id = '', placement = '0'] = line.split(' ');
  return [id, Number(placement) || 0];
}
