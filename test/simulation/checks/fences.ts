import { DEADLINES } from '@spawner/domain';
import type { BackendKey } from '@spawner/proto/v1/backend';
import type { SimulatedDrone } from '../parts/drone.ts';
import type { Container } from '../world/container.ts';
import type { World } from '../world/world.ts';

/**
 * Invariant 1: fences of a key are issued and started in increasing order, and strict holders never overlap
 * in their running programs while agents live or return before their deadlines. A drone is past that when no
 * agent was there at the moment at which it had to kill.
 */
export class Fences {
  readonly #world: World;
  readonly #drones: readonly SimulatedDrone[];
  readonly #issued = new Map<string, number>();
  readonly #started = new Map<string, number>();
  readonly #excused = new WeakSet<Container>();

  constructor(world: World, drones: readonly SimulatedDrone[]) {
    this.#world = world;
    this.#drones = drones;
  }

  /** The store gave a key, by its hash, to a placement. */
  issued(hash: string, fence: number): void {
    const before = this.#issued.get(hash) ?? 0;
    if (fence <= before) this.#world.violate(`(1) fence ${fence} of key ${hash} issued after ${before}`);
    this.#issued.set(hash, fence);
  }

  started(container: Container): void {
    const { key, fence } = container;
    if (!key) return;
    const name = nameOf(key);
    const before = this.#started.get(name) ?? 0;
    if (fence <= before) this.#world.violate(`(1) fence ${fence} of key ${name} started after ${before}`);
    else this.#started.set(name, fence);
    if (!container.strict) return;
    for (const drone of this.#drones)
      for (const other of drone.engine.containers.values())
        if (other !== container && this.#overlaps(drone, other, name))
          this.#world.violate(
            `(1) key ${name}: ${container.id} started while ${other.id} runs on ${drone.name}`,
          );
  }

  /** An agent begins. One that comes after its deadline could not keep the promise for what runs. */
  agentStarts(drone: SimulatedDrone): void {
    if (!this.#isPast(drone)) return;
    for (const container of drone.engine.containers.values()) this.#excused.add(container);
  }

  #overlaps(drone: SimulatedDrone, other: Container, name: string): boolean {
    if (!other.key || !other.strict || other.state !== 'running' || nameOf(other.key) !== name) return false;
    return !this.#excused.has(other) && (drone.process?.alive === true || !this.#isPast(drone));
  }

  #isPast(drone: SimulatedDrone): boolean {
    return drone.leaseAge() >= DEADLINES.leaseKill;
  }
}

function nameOf({ namespace, name }: BackendKey): string {
  return `${namespace}/${name}`;
}
