import { DEADLINES } from '@spawner/domain';
import { endsWithLease } from '@spawner/proto';
import { AddressRange } from '../../../services/agent/src/network/address-range.ts';
import { ENDED_EARLY, type Program, RuntimeError } from '../../../services/agent/src/runtime/runtime.ts';
import { EngineError } from '../world/errors.ts';
import type { Random } from '../world/random.ts';
import type { World } from '../world/world.ts';
import { Container } from './container.ts';

/** Judges what happens to the programs of a drone. */
export interface EngineWatch {
  started(container: Container): void;
  stopping(container: Container): void;
  /** An agent has asked for the start of a program, which may have to wait. */
  starting(drone: string, id: string): void;
}

export type EngineRequest = 'create' | 'start' | 'signal' | 'remove';

/** An answer of a busy engine takes so much longer at most: what ends with a lease has to end in time all the same. */
const BUSY_MS = 1_000;

/**
 * The container engine of one drone. It finishes every request, even after the agent that sent it has crashed. While it
 * starts a container, other requests about that container wait, because dockerd holds the container's lock until then
 * (moby, `containerStart` and `ContainerInspect`).
 */
export class Engine {
  readonly drone: string;
  readonly world: World;
  readonly containers = new Map<string, Container>();
  readonly watch: EngineWatch;
  /** Its answers are slow, and tell of the past when they come. */
  busy = false;
  /** Called before each request. */
  asked: (what: EngineRequest) => void = () => {};
  /** Its machine is no more. */
  gone = false;
  /** Backends whose image or program failed by itself. */
  readonly failed = new Set<string>();
  readonly #lateness: Random;
  readonly #range: AddressRange;
  readonly #listeners = new Set<(id?: string) => void>();
  /** True time at which the start of each container that is being started is over, by id. */
  readonly #starting = new Map<string, number>();
  /** True time at which each removed program was used last, by id. */
  readonly #lastUses = new Map<string, number>();
  #boots = 1;

  constructor(drone: string, subnet: string, world: World, watch: EngineWatch) {
    this.drone = drone;
    this.world = world;
    this.watch = watch;
    this.#lateness = world.stream(`engine ${drone}`);
    this.#range = new AddressRange(subnet);
  }

  /** How much longer than usual an answer takes now, in true milliseconds. */
  lateness(): number {
    return this.busy ? this.#lateness.skewed(20, BUSY_MS) : 0;
  }

  /** Carries out a request after `ms`. A reboot of the machine drops it. */
  take(ms: number, carryOut: () => void): void {
    const boot = this.#boots;
    this.world.after(ms, () => {
      if (boot === this.#boots) carryOut();
    });
  }

  /** Milliseconds until the container is no longer being started. */
  lockedFor(id: string): number {
    return Math.max(0, (this.#starting.get(id) ?? 0) - this.world.now);
  }

  /** The start of the container will take `ms`. */
  lock(id: string, ms: number): void {
    this.#starting.set(id, this.world.now + ms);
  }

  /** The machine reboots. */
  reboot(): void {
    this.#boots++;
    this.#starting.clear();
    for (const container of this.containers.values()) {
      if (container.state === 'running') this.failed.add(container.id);
      container.exit(137);
    }
  }

  /** The machine burns down with all that runs on it. */
  burn(): void {
    this.gone = true;
    for (const container of this.containers.values()) container.exit(137);
    this.containers.clear();
  }

  /** In place of a leftover of the same id, unless that was started for the same placement. */
  create({ id, placement, key, spec }: Program): void {
    const leftover = this.containers.get(id);
    if (leftover?.fence === placement && leftover.state === 'exited') throw new RuntimeError(ENDED_EARLY);
    if (leftover?.fence === placement && leftover.state === 'running') return;
    this.remove(id);
    if (this.gone) throw new EngineError('the machine is no more');
    const address = this.#range.allocate(this.world.now);
    if (!address) throw new EngineError('no address is free');
    const parts = {
      id,
      address,
      fence: placement,
      key,
      strict: endsWithLease(spec.onLeaseLoss, key),
      drone: this.drone,
    };
    this.containers.set(id, new Container(parts));
  }

  start(id: string): Container {
    const container = this.containers.get(id);
    if (!container) throw new EngineError('start before create');
    if (container.state !== 'created') return container;
    const { random } = this.world;
    container.state = 'running';
    container.answersAt = this.world.now + random.skewed(5, 3_000);
    this.world.note('runs', this.drone, id);
    this.watch.started(container);
    if (random.chance(0.05))
      this.#exitAfter(container, random.skewed(200, 60_000), random.chance(0.5) ? 0 : 1);
    return container;
  }

  /** The program takes its time to obey, and some do not at all. */
  signal(id: string): boolean {
    const container = this.containers.get(id);
    if (container?.state !== 'running') return false;
    this.watch.stopping(container);
    const { random } = this.world;
    this.#exitAfter(
      container,
      random.chance(0.5) ? random.between(8_000, 60_000) : random.skewed(10, 8_000),
      0,
    );
    return true;
  }

  remove(id: string): void {
    const container = this.containers.get(id);
    if (!container) return;
    this.watch.stopping(container);
    container.exit(137);
    this.containers.delete(id);
    this.#lastUses.set(id, container.usedAt);
    this.#range.release(container.address, this.world.now, DEADLINES.addressRest);
    this.world.note('removed', this.drone, id);
    this.#changed(id);
  }

  /** True time at which a program that is or was here was used last; 0 for never. */
  usedAt(id: string): number {
    return this.containers.get(id)?.usedAt ?? this.#lastUses.get(id) ?? 0;
  }

  at(address: string): Container | undefined {
    for (const container of this.containers.values())
      if (container.address === address && container.state === 'running') return container;
    return undefined;
  }

  listen(changed: (id?: string) => void): () => void {
    this.#listeners.add(changed);
    return () => this.#listeners.delete(changed);
  }

  #exitAfter(container: Container, ms: number, code: number): void {
    this.world.after(ms, () => {
      if (container.state !== 'running') return;
      this.world.note('exits', this.drone, container.id);
      this.failed.add(container.id);
      container.exit(code);
      this.#changed(container.id);
    });
  }

  #changed(id: string): void {
    for (const changed of this.#listeners) changed(id);
  }
}
