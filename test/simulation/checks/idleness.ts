import { DEADLINES } from '@spawner/domain';
import { EndReason } from '@spawner/proto/v1/backend';
import type { Reply } from '../../memory-redis/reply.ts';
import type { Container } from '../engine/container.ts';
import type { SimulatedDrone } from '../parts/drone.ts';
import type { SimulatedProxy } from '../parts/proxy.ts';
import { KEYS } from '../parts/scheduler.ts';
import type { World } from '../world/world.ts';
import type { ReadStore } from './read-store.ts';

/** Between the kernel's look and the end that rests on it: two calls, on the slowest link. */
const UNSEEN_MS = 500;

/**
 * Invariant `in-use`: no idle shutdown while any proxy has an exchange open to the backend, whether the proxy is listed,
 * partitioned or neither. Checked when the end is written and when the program gets its signal. A proxy that has been
 * silent until it was forgotten is judged by its connections, as the kernel sees them. A request that it lets in after
 * the kernel's look is promised nothing (ARCHITECTURE.md, "Not there yet").
 */
export class Idleness {
  readonly #world: World;
  readonly #read: ReadStore;
  readonly #drones: readonly SimulatedDrone[];
  readonly #proxies: readonly SimulatedProxy[];
  readonly #told = new WeakSet<Container>();

  constructor(
    world: World,
    read: ReadStore,
    drones: readonly SimulatedDrone[],
    proxies: readonly SimulatedProxy[],
  ) {
    this.#world = world;
    this.#read = read;
    this.#drones = drones;
    this.#proxies = proxies;
  }

  /** The store has taken an end for idleness. */
  settled(id: string): void {
    for (const proxy of this.#proxies) {
      const open = proxy.edge?.requests.open(id) ?? 0;
      if (open > 0 && !this.#isUnseen(proxy, id))
        this.#world.violate('in-use', `${id} was ended as idle while ${proxy.name} has ${open} open`);
    }
  }

  #isUnseen(proxy: SimulatedProxy, id: string): boolean {
    const number = (reply: Reply) => Number(reply ?? 0);
    const renewed = number(this.#read(['HGET', KEYS.renewals, `proxy/${proxy.id}`]));
    const now = number(this.#read(['HGET', KEYS.clock, 'now']));
    const forgotten = now - renewed > DEADLINES.proxyForgotten;
    const since = proxy.exchanges.since(id);
    return forgotten && (since === undefined || this.#world.now - since < UNSEEN_MS);
  }

  /** A program gets its stop signal, or is removed. */
  stopping(container: Container): void {
    if (this.#told.has(container) || container.state !== 'running') return;
    this.#told.add(container);
    const drone = this.#drones.find(({ name }) => name === container.drone);
    const reason = drone?.agent?.drone.find(container.id)?.life.ending?.reason;
    if (reason === EndReason.IDLE && container.connections.size > 0)
      this.#world.violate(
        'in-use',
        `${container.id} is stopped as idle with ${container.connections.size} connected`,
      );
  }
}
