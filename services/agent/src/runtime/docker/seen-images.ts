/** How long an image that was here is taken to be here still, in milliseconds. */
const SEEN_MS = 60_000;
const MOST = 1_000;

/**
 * Images that were on the drone a moment ago: asking the engine again would cost every start 5 ms. One
 * that was removed since makes the container's creation fail, which is when it is pulled after all.
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

  /** Whether it was thought to be here. */
  forget(image: string): boolean {
    return this.#seen.delete(image);
  }
}
