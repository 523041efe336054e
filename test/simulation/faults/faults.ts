import type { Surroundings } from '../parts/surroundings.ts';
import { CALM, type Weather } from '../world/network.ts';
import { LOSSES, type StoreFaults } from './store-faults.ts';

/** A program that may crash and be started again. */
export interface Mortal {
  readonly name: string;
  readonly process: unknown;
  start(): void;
  crash(): void;
}

/** Faults of one kind, drawn from chances of their own. */
export interface FaultsBeside {
  /** Plans those of the next `ms`. */
  plan(ms: number): void;
  /** From now on there are none. */
  heal(): void;
}

export interface FaultParts {
  readonly schedulers: readonly Mortal[];
  readonly drones: readonly Mortal[];
  readonly proxies: readonly Mortal[];
  readonly dns: Mortal;
  readonly losses: StoreFaults;
  readonly beside: readonly FaultsBeside[];
}

/** The faults of one seed's world. Some worlds see none, some a dozen at once. */
export class Faults {
  readonly #around: Surroundings;
  readonly #mortals: readonly Mortal[];
  readonly #drones: readonly Mortal[];
  readonly #proxies: readonly Mortal[];
  readonly #losses: StoreFaults;
  readonly #beside: readonly FaultsBeside[];
  #healed = false;

  constructor(around: Surroundings, parts: FaultParts) {
    this.#around = around;
    this.#drones = parts.drones;
    this.#proxies = parts.proxies;
    this.#mortals = [...parts.schedulers, ...parts.drones, ...parts.proxies, parts.dns];
    this.#losses = parts.losses;
    this.#beside = parts.beside;
  }

  /** Plans the faults of the next `ms`. */
  plan(ms: number): void {
    const { world } = this.#around;
    const { random } = world;
    for (const faults of this.#beside) faults.plan(ms);
    if (random.chance(0.3)) this.#lose(ms);
    if (ms > LONG_MS) this.#absence(ms);
    const count = random.chance(0.1) ? 0 : 1 + random.below(10);
    if (random.chance(0.5)) this.#storm(random.between(0, ms), random.skewed(2_000, ms));
    for (let fault = 0; fault < count; fault++) {
      const kind = random.pick(KINDS);
      world.after(random.between(2_000, ms), () => {
        if (!this.#healed) this.#do(kind);
      });
    }
  }

  /** Everything works again, and everybody is there. */
  heal(): void {
    const { network, bus, store } = this.#around;
    this.#healed = true;
    for (const faults of this.#beside) faults.heal();
    network.healAll();
    bus.away = false;
    store.away = false;
    for (const mortal of this.#mortals) if (!mortal.process) mortal.start();
  }

  #do(kind: (typeof KINDS)[number]): void {
    const { bus, store, schedulers, world } = this.#around;
    const { random } = world;
    const names = this.#mortals.map(({ name }) => name);
    const one = random.pick(names);
    const lasts = random.chance(0.3) ? random.between(25_000, 60_000) : random.skewed(300, 60_000);
    if (kind === 'crash') this.#crash(random.pick(this.#mortals), random.skewed(1_000, 60_000));
    if (kind === 'bus') this.#away(bus, random.skewed(500, 30_000));
    if (kind === 'store') this.#away(store, random.skewed(200, 40_000));
    if (kind === 'storm') this.#storm(0, lasts);
    if (kind === 'isolation')
      for (const other of [...names, 'redis', 'bus']) if (other !== one) this.#cut(one, other, lasts);
    if (kind === 'partition') this.#cut(one, random.pick(['redis', 'bus', ...names]), lasts);
    if (kind === 'lag') this.#lag(one, random.pick(['redis', 'bus', ...names]), lasts);
    if (kind === 'behind') for (const { name } of this.#proxies) this.#lag(name, 'redis', lasts);
    if (kind === 'lonely') this.#lonely(random.pick(this.#drones), random.between(40_000, 70_000));
    if (kind === 'control') for (const scheduler of schedulers) this.#cut(one, scheduler, lasts);
  }

  /** Each loss is looked back at by later ones, so that copies of different stores get mixed up. */
  #lose(ms: number): void {
    const { world } = this.#around;
    const { random } = world;
    this.#losses.keepCopies();
    for (let count = 1 + random.below(2); count > 0; count--)
      world.after(random.between(8_000, ms), () => {
        if (!this.#healed) this.#losses.happen(random.pick(LOSSES));
      });
  }

  #crash(mortal: Mortal, ms: number): void {
    if (!mortal.process) return;
    mortal.crash();
    this.#around.world.after(ms, () => {
      if (!mortal.process) mortal.start();
    });
  }

  #away(what: { away: boolean }, ms: number): void {
    const { world } = this.#around;
    world.note('away', what === this.#around.bus ? 'bus' : 'redis');
    what.away = true;
    world.after(ms, () => {
      what.away = false;
    });
  }

  #cut(a: string, b: string, ms: number): void {
    const { world, network } = this.#around;
    if (a === b) return;
    network.cut(a, b);
    world.after(ms, () => network.heal(a, b));
  }

  /** A drone that reaches no scheduler for longer than its lease, while its programs and their users stay connected. */
  #absence(ms: number): void {
    const { world, schedulers } = this.#around;
    const drone = world.random.pick(this.#drones);
    // The next agent must not take the lease for a new one, so that it outlives the giving away of its keys.
    const restarts = world.random.chance(0.4);
    const [least, most] = restarts ? [48_000, 56_000] : [30_000, 55_000];
    world.after(world.random.between(5_000, ms - LONG_MS), () => {
      if (this.#healed) return;
      for (const scheduler of schedulers) this.#cut(drone.name, scheduler, world.random.between(least, most));
      if (!restarts) return;
      world.after(world.random.between(16_000, 24_000), () => {
        if (!this.#healed) this.#crash(drone, world.random.between(500, 2_000));
      });
    });
  }

  /** An agent dies and comes back while no scheduler can be reached. */
  #lonely(drone: Mortal, ms: number): void {
    const { world, schedulers } = this.#around;
    for (const scheduler of schedulers) this.#cut(drone.name, scheduler, ms);
    world.after(world.random.between(0, 20_000), () => {
      if (!this.#healed) this.#crash(drone, world.random.between(1_000, 30_000));
    });
  }

  #lag(a: string, b: string, ms: number): void {
    const { world, network } = this.#around;
    if (a === b) return;
    network.lag(a, b, world.random.skewed(30, 3_000));
    world.after(ms, () => network.lag(a, b, 0));
  }

  #storm(at: number, ms: number): void {
    const { world, network } = this.#around;
    const { random } = world;
    const weather: Weather = {
      lost: random.skewed(0.001, 0.1),
      slow: random.skewed(0.001, 0.2),
      doubled: random.chance(0.5) ? random.skewed(0.001, 0.1) : 0,
    };
    world.after(at, () => {
      if (this.#healed) return;
      world.note('storm', 'network');
      network.weather = weather;
      world.after(ms, () => {
        network.weather = CALM;
      });
    });
  }
}

/** Trouble that lasts longer than that has room for a lost lease. */
const LONG_MS = 55_000;

const KINDS = [
  'crash',
  'crash',
  'bus',
  'store',
  'storm',
  'isolation',
  'isolation',
  'partition',
  'lag',
  'lag',
  'behind',
  'lonely',
  'control',
] as const;
