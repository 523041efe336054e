/** Milliseconds for which an image that was present is assumed to be present still. */
const SEEN_MS = 60_000;
const MOST = 1_000;

/**
 * The images that were present a moment ago, because asking the engine costs every start 5 ms. If an image was removed
 * since, the creation of the container fails, and then the image is pulled.
 */
export class SeenImages {
  readonly #seen = new Map<string, number>();

  has(image: string, now: number): boolean {
    return now - (this.#seen.get(image) ?? Number.NEGATIVE_INFINITY) < SEEN_MS;
  }

  add(image: string, now: number): void {
    if (this.#seen.size >= MOST) this.#seen.clear();
    this.#seen.set(image, now);
  }

  /** Returns whether the image was assumed to be present. */
  forget(image: string): boolean {
    return this.#seen.delete(image);
  }
}
