import { DEADLINES } from '@spawner/domain';
import type { Node } from '@spawner/proto/internal/node';

/**
 * The proxies that answers name, from the scheduler's list. A proxy that dies lapses in the list long before it leaves it.
 * A proxy that leaves the list without a lapse was lost by it, because the store was emptied or the scheduler has just
 * started. It still serves, so it is named for as long as a store may take to be complete again. Pure; times are
 * milliseconds of the caller's clock.
 */
export class NamedProxies {
  #list: readonly Node[] | undefined;
  #present: readonly Node[] = [];
  #lost: readonly { node: Node; until: number }[] = [];
  #lookAt = Number.POSITIVE_INFINITY;
  #all: readonly Node[] = [];

  /** The proxies whose registration has not lapsed, then those that the list has lost. */
  get all(): readonly Node[] {
    return this.#all;
  }

  /** Takes the present list. Returns whether the named proxies may have changed. */
  take(list: readonly Node[], now: number): boolean {
    if (list === this.#list && now < this.#lookAt) return false;
    const listed = new Set(list.map(({ id }) => id));
    const missed = this.#present.map((node) => ({ node, until: now + DEADLINES.refill }));
    this.#lost = [...this.#lost, ...missed].filter(({ node, until }) => now < until && !listed.has(node.id));
    this.#list = list;
    this.#present = list.filter(({ lapsed }) => !lapsed);
    this.#lookAt = Math.min(...this.#lost.map(({ until }) => until));
    this.#all = [...this.#present, ...this.#lost.map(({ node }) => node)];
    return true;
  }
}
