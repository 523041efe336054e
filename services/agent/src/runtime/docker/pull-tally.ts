import type { PullProgress } from '@spawner/proto/v1/backend';

/** A line of the engine's progress. */
export interface PullLine {
  readonly id?: string;
  readonly status?: string;
  readonly error?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
}

interface Layer {
  total: number;
  fetched: number;
  done: boolean;
}

/** A manifest has fewer layers; the engine's words are not trusted with our memory. */
const MOST_LAYERS = 1_000;
const DONE = new Set(['Pull complete', 'Already exists']);

/** Sums up the engine's progress lines of one pull. */
export class PullTally {
  readonly #layers = new Map<string, Layer>();
  #attempts = 0;
  #lastError = '';

  /** An attempt begins. The engine keeps the layers that it has, so each attempt tells all of them again. */
  attempt(): void {
    this.#attempts += 1;
    this.#layers.clear();
  }

  failed(message: string): void {
    this.#lastError = message;
  }

  take({ id, status = '', progressDetail }: PullLine): void {
    const known = id === undefined ? undefined : this.#layers.get(id);
    // The first line of a pull names the tag where other lines name a layer.
    if (id === undefined || status.startsWith('Pulling from ')) return;
    if (!known && this.#layers.size >= MOST_LAYERS) return;
    const layer = known ?? { total: 0, fetched: 0, done: false };
    this.#layers.set(id, layer);
    const { current = 0, total = 0 } = progressDetail ?? {};
    if (status === 'Downloading') {
      layer.total = Math.max(layer.total, total);
      layer.fetched = Math.min(current, layer.total);
    } else if (status === 'Download complete' || status === 'Extracting' || DONE.has(status)) {
      layer.fetched = layer.total;
      layer.done ||= DONE.has(status);
    }
  }

  progress(): PullProgress {
    const layers = [...this.#layers.values()];
    return {
      layers: layers.length,
      layersDone: layers.filter(({ done }) => done).length,
      bytes: layers.reduce((sum, { total }) => sum + total, 0),
      bytesDone: layers.reduce((sum, { fetched }) => sum + fetched, 0),
      attempts: this.#attempts,
      lastError: this.#lastError,
    };
  }
}
