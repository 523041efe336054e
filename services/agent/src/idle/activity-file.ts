import type { Backend } from '../lifecycle/backend.ts';
import { readObject, type StateFiles } from '../state/state-dir.ts';

const FILE = 'activity.json';

/**
 * Stores when each backend was last in use, so that idle clocks continue over a restart of the agent. Instants are of the
 * boot that the file names; another boot ignores them.
 */
export class ActivityFile {
  readonly #dir: StateFiles;
  readonly #boot: string;
  #written = '';

  constructor(dir: StateFiles, boot: string) {
    this.#dir = dir;
    this.#boot = boot;
  }

  /** Instants by backend id. Empty if the file is missing, damaged or of another boot. */
  read(): Map<string, number> {
    const stored = readObject<{ boot: string; activeAt?: Record<string, number> }>(this.#dir, FILE);
    // Without it an idle clock only starts later.
    return new Map(stored?.boot === this.#boot ? Object.entries(stored.activeAt ?? {}) : []);
  }

  /** Writes only if something changed. */
  write(backends: readonly Pick<Backend, 'id' | 'usage'>[]): void {
    const activeAt = Object.fromEntries(backends.map(({ id, usage }) => [id, Math.round(usage.activeAt)]));
    const text = JSON.stringify({ boot: this.#boot, activeAt });
    if (text === this.#written) return;
    this.#dir.write(FILE, text, { durable: false });
    this.#written = text;
  }
}
