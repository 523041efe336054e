import type { StateFiles } from '../state/state-dir.ts';

/** What is kept of a backend. */
export interface InUse {
  readonly id: string;
  readonly usage: { readonly activeAt: number };
}

const FILE = 'activity.json';

/**
 * When each backend was last in use, kept on disk so that a restarted agent's idle clocks go on. Instants
 * are of the boot that the file names; another boot's say nothing.
 */
export class ActivityFile {
  readonly #dir: StateFiles;
  readonly #boot: string;
  #written = '';

  constructor(dir: StateFiles, boot: string) {
    this.#dir = dir;
    this.#boot = boot;
  }

  read(): Map<string, number> {
    try {
      const kept = JSON.parse(this.#dir.read(FILE) ?? '{}') as {
        boot?: string;
        activeAt?: Record<string, number>;
      };
      return new Map(kept.boot === this.#boot ? Object.entries(kept.activeAt ?? {}) : []);
    } catch {
      // It only makes a clock truer; a damaged one is as good as none.
      return new Map();
    }
  }

  /** Writes only when something changed. */
  write(backends: readonly InUse[]): void {
    const activeAt = Object.fromEntries(backends.map(({ id, usage }) => [id, Math.round(usage.activeAt)]));
    const text = JSON.stringify({ boot: this.#boot, activeAt });
    if (text === this.#written) return;
    this.#dir.write(FILE, text, { durable: false });
    this.#written = text;
  }
}
