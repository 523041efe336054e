import { endsWithLease } from '@spawner/proto';
import type { Link } from '../../../services/agent/src/runtime/docker/network/links.ts';
import { ENDED_EARLY, type Program, RuntimeError } from '../../../services/agent/src/runtime/runtime.ts';
import { EngineError } from '../world/errors.ts';
import type { Random } from '../world/random.ts';
import type { World } from '../world/world.ts';
import { Container } from './container.ts';
import { Holders } from './holders.ts';

/** Judges what happens to the programs of a drone. */
export interface EngineWatch {
  started(container: Container): void;
  stopping(container: Container): void;
  /** An agent has asked for the start of a program, which may have to wait. */
  starting(drone: string, id: string): void;
}

export type EngineRequest = 'create' | 'start' | 'signal' | 'remove' | 'make' | 'unmake';

/** Lets an engine do some work after so many milliseconds, and gets the answer. */
export type Ask = <T>(ms: number, work: () => T) => Promise<T>;

/** A container has changed, or without an id any may have. A holder is not the container of a backend. */
export type Listener = (id?: string, isHolder?: boolean) => void;

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
  readonly holders: Holders;
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
  readonly #listeners = new Set<Listener>();
  /** True time at which the start of each container that is being started is over, by id. */
  readonly #starting = new Map<string, number>();
  /** True time at which each removed program was used last, by id. */
  readonly #lastUses = new Map<string, number>();
  #boots = 1;

  constructor(drone: string, world: World, watch: EngineWatch) {
    this.drone = drone;
    this.world = world;
    this.watch = watch;
    this.#lateness = world.stream(`engine ${drone}`);
    this.holders = new Holders(drone, world);
  }

  /** How much longer than usual an answer takes now, in true milliseconds. */
  lateness(): number {
    return this.busy ? this.#lateness.skewed(20, BUSY_MS) : 0;
  }

  /** Carries out a request after `ms`, which settles no promise yet. A reboot of the machine drops it. */
  take(ms: number, carryOut: () => void): void {
    const boot = this.#boots;
    this.world.relay(ms, () => {
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
    this.restart();
  }

  /** The engine restarts, and every program and holder ends. It finishes the requests that it has. */
  restart(): void {
    for (const container of this.containers.values()) {
      if (container.state === 'running') this.failed.add(container.id);
      container.exit(137);
    }
    for (const holder of this.holders.all.values()) holder.state = 'exited';
    this.#changed();
  }

  /** The machine burns down with all that runs on it. */
  burn(): void {
    this.gone = true;
    for (const container of this.containers.values()) container.exit(137);
    this.containers.clear();
    this.holders.all.clear();
  }

  /** In place of a leftover of the same id. Returns that one if it runs already for the same placement. */
  create({ id, placement, key, spec }: Program, { address, holder }: Link): Container | undefined {
    const leftover = this.containers.get(id);
    if (leftover?.fence === placement && leftover.state === 'exited') throw new RuntimeError(ENDED_EARLY);
    if (leftover?.fence === placement && leftover.state === 'running') return leftover;
    this.remove(id);
    if (this.gone) throw new EngineError('the machine is no more');
    if (holder === undefined) this.world.count('direct-starts');
    else this.holders.join(holder, id);
    const parts = {
      id,
      address,
      holder,
      fence: placement,
      key,
      strict: endsWithLease(spec.onLeaseLoss, key),
      drone: this.drone,
    };
    this.containers.set(id, new Container(parts));
    return undefined;
  }

  start(id: string): Container {
    const container = this.containers.get(id);
    if (!container) throw new EngineError('start before create');
    if (container.state !== 'created') return container;
    if (container.holder === undefined) this.#occupies(container.address, id);
    else if (!this.holders.runs(container.holder))
      throw new EngineError(`cannot join the network of a container that does not run: ${container.holder}`);
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
    this.world.note('removed', this.drone, id);
    this.#changed(id);
  }

  /** True time at which a program that is or was here was used last; 0 for never. */
  usedAt(id: string): number {
    return this.containers.get(id)?.usedAt ?? this.#lastUses.get(id) ?? 0;
  }

  at(address: string): Container | undefined {
    for (const container of this.containers.values())
      if (container.address === address && container.state === 'running' && !this.isSevered(container))
        return container;
    return undefined;
  }

  /** Whether the holder of its sandbox has died, so that nothing can reach it. */
  isSevered({ holder }: Container): boolean {
    return holder !== undefined && !this.holders.runs(holder);
  }

  startHolder(id: string): void {
    const holder = this.holders.all.get(id);
    if (holder) this.#occupies(holder.address, id);
    this.holders.start(id);
  }

  /** A holder dies, and with `isRemoved` is removed as well. */
  endHolder(id: string, isRemoved: boolean): void {
    const holder = this.holders.all.get(id);
    if (!holder) return;
    const program = holder.user === undefined ? undefined : this.containers.get(holder.user);
    holder.state = 'exited';
    if (isRemoved) this.holders.all.delete(id);
    if (program?.holder === id && program.state === 'running') {
      this.world.note('severed', this.drone, program.id);
      this.world.count('sandboxes-severed');
      this.failed.add(program.id);
      program.disconnect();
    }
    this.#changed(id, true);
  }

  /** A holder or a program without one starts with an address. Nothing else may have it. */
  #occupies(address: string, by: string): void {
    const holders = [...this.holders.all.values()].filter((holder) => holder.state === 'running');
    const programs = [...this.containers.values()].filter((program) => program.state === 'running');
    const other = [...holders, ...programs].find((one) => one.address === address && one.id !== by);
    if (other) this.world.violate('one-address', `${by} starts with ${address}, which ${other.id} has`);
  }

  listen(changed: Listener): () => void {
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

  #changed(id?: string, isHolder = false): void {
    for (const changed of this.#listeners) changed(id, isHolder);
  }
}
