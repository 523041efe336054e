import { DEADLINES } from '@spawner/domain';
import type { BackendKey } from '@spawner/proto/v1/backend';
import { keyHash } from '@spawner/store';
import type { Container } from '../engine/container.ts';
import type { SimulatedDrone } from '../parts/drone.ts';
import type { World } from '../world/world.ts';

/** From the start of an agent, in true milliseconds. */
const KILLED_BY_MS = 3_000;

/**
 * Invariants `fence-order` and `one-holder`. Strict holders may not overlap while agents live or return before their
 * deadlines. A drone is excused while no agent is there at the moment at which it had to kill, and until a later agent
 * has had time for it.
 */
export class Fences {
  readonly #world: World;
  readonly #drones: readonly SimulatedDrone[];
  readonly #issued = new Map<string, number>();
  readonly #started = new Map<string, number>();

  constructor(world: World, drones: readonly SimulatedDrone[]) {
    this.#world = world;
    this.#drones = drones;
  }

  /**
   * The store is another one, or lacks records. A fence with which no program has started may be given again, because the
   * order to start may never have arrived. `started` judges such a program if it starts after all.
   */
  storeLost(): void {
    for (const [hash, fence] of this.#issued)
      if (fence > (this.#started.get(hash) ?? 0)) this.#issued.set(hash, this.#started.get(hash) ?? 0);
  }

  /** The store gave a key, by its hash, to a placement. */
  issued(hash: string, fence: number): void {
    const before = this.#issued.get(hash) ?? 0;
    if (fence <= before)
      this.#world.violate('fence-order', `fence ${fence} of key ${hash} issued after ${before}`);
    this.#issued.set(hash, fence);
  }

  started(container: Container): void {
    const { key, fence } = container;
    if (!key) return;
    const [name, hash] = [nameOf(key), keyHash(key)];
    const before = this.#started.get(hash) ?? 0;
    if (fence <= before)
      this.#world.violate('fence-order', `fence ${fence} of key ${name} started after ${before}`);
    else this.#started.set(hash, fence);
    if (!container.strict) return;
    for (const drone of this.#drones)
      for (const other of drone.engine.containers.values())
        if (other !== container && this.#overlaps(drone, other, name))
          this.#world.violate(
            'one-holder',
            `key ${name}: ${container.id} started while ${other.id} runs on ${drone.name}`,
          );
  }

  #overlaps(drone: SimulatedDrone, other: Container, name: string): boolean {
    if (!other.key || !other.strict || other.state !== 'running' || nameOf(other.key) !== name) return false;
    return !this.#isExcused(drone);
  }

  #isExcused(drone: SimulatedDrone): boolean {
    if (!drone.process) return drone.leaseAge() >= DEADLINES.leaseKill;
    const { at, leaseAge } = drone.began;
    return leaseAge >= DEADLINES.leaseKill && this.#world.now - at < KILLED_BY_MS;
  }
}

function nameOf({ namespace, name }: BackendKey): string {
  return `${namespace}/${name}`;
}
