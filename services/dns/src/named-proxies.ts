import { DEADLINES } from '@spawner/domain';
import type { Node } from '@spawner/proto/internal/node';

/**
 * The proxies that answers name, by the scheduler's list of them. One that dies lapses in that list long before it leaves it. One
 * that leaves it without having lapsed was lost by the list - its store was emptied, or its scheduler has only begun - and serves
 * as before: it is named for as long as a store may take to be filled again. Pure; times are the caller's clock in milliseconds.
 */
export class NamedProxies {
  #list: readonly Node[] | undefined;
  #present: readonly Node[] = [];
  #lost: readonly { node: Node; until: number }[] = [];
  #lookAt = Number.POSITIVE_INFINITY;
  #all: readonly Node[] = [];

  /** Those whose registration has not lapsed, then those that the list has lost. */
  get all(): readonly Node[] {
    return this.#all;
  }

  /** Takes the list as it is now; whether it had changed, or something of before is over. */
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
