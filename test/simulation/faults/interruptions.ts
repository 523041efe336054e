import { PAUSE_MS } from '../healing/bounds.ts';
import type { ScriptNames, ScriptRun } from '../links/script-names.ts';
import type { Process } from '../world/process.ts';
import type { Random } from '../world/random.ts';
import type { World } from '../world/world.ts';
import type { Mortal } from './faults.ts';
import { LOSSES, type StoreFaults } from './store-faults.ts';

/** The scripts after which a scheduler is interrupted. Rare ones are drawn as often as common ones. */
const AFTER = [
  'abandon',
  'admit',
  'forget-drone',
  'lapse',
  'place',
  'register',
  'report',
  'restore',
  'settle',
  'silence',
  'stop',
  'sweep',
  'tick',
  'suspend',
] as const;

/**
 * How a scheduler misses the answer of its store: it dies, the answer is lost, or it pauses, sometimes until the store is
 * another one.
 */
const WAYS = ['dies', 'dies', 'unheard', 'pauses', 'pauses', 'another store'] as const;

interface Interruption {
  readonly script: (typeof AFTER)[number];
  readonly way: (typeof WAYS)[number];
  /** So many pass before. */
  left: number;
  /** It comes though everything works again, after a run of which this is true. */
  readonly late?: (run: ScriptRun) => boolean;
}

/**
 * Interrupts schedulers between two steps of one operation, just after the first step was carried out. Such a moment
 * lasts a thousandth of a second, so faults at random times hardly ever hit it.
 */
export class Interruptions {
  readonly #world: World;
  readonly #schedulers: readonly Mortal[];
  readonly #names: ScriptNames;
  readonly #losses: StoreFaults;
  readonly #random: Random;
  /** True time at which the last interruption was or will be over. */
  until = 0;
  #next: Interruption[] = [];

  constructor(world: World, schedulers: readonly Mortal[], names: ScriptNames, losses: StoreFaults) {
    this.#world = world;
    this.#schedulers = schedulers;
    this.#names = names;
    this.#losses = losses;
    this.#random = world.stream('interruptions');
  }

  /** Plans those of the next `ms`. */
  plan(ms: number): void {
    const random = this.#random;
    if (!random.chance(0.5)) return;
    for (let count = 1 + random.below(4); count > 0; count--)
      this.#world.after(random.between(0, ms), () => {
        const left = random.chance(0.6) ? 0 : random.below(12);
        this.#next.push({ script: random.pick(AFTER), way: random.pick(WAYS), left });
      });
  }

  /** Those that were expected of a lost drone still come. */
  heal(): void {
    this.#next = this.#next.filter(({ late }) => late);
  }

  /** From now on none comes. */
  end(): void {
    this.#next = [];
  }

  /** Interrupts the next scheduler whose run of this script `concerns` what was lost, even after healing. */
  expect(script: Interruption['script'], concerns: (run: ScriptRun) => boolean): void {
    this.#next.push({
      script,
      way: this.#random.pick(['dies', 'unheard', 'pauses']),
      left: 0,
      late: concerns,
    });
  }

  /** Whether the process that sent this command gets its answer. */
  hears(process: Process, command: readonly (string | Buffer)[]): boolean {
    if (this.#next.length === 0) return true;
    const mortal = this.#schedulers.find((one) => one.process === process);
    if (!mortal) return true;
    const run = this.#names.run(command);
    const due = run && this.#next.find(({ script, late }) => script === run.script && (late?.(run) ?? true));
    if (!due || due.left-- > 0) return true;
    this.#next.splice(this.#next.indexOf(due), 1);
    return this.#interrupt(mortal, process, due);
  }

  #interrupt(mortal: Mortal, process: Process, { script, way, late }: Interruption): boolean {
    this.#world.count('interruptions');
    if (late) this.#world.count('loss-interruptions');
    this.#world.note(`interrupted after ${script}`, process.name, way);
    if (way === 'pauses' || way === 'another store')
      process.pause(this.#lasting(this.#random.between(1_000, PAUSE_MS)));
    if (way === 'another store') this.#losses.happen(this.#random.pick(LOSSES));
    if (way !== 'dies') return way !== 'unheard';
    mortal.crash();
    this.#world.after(this.#lasting(this.#random.skewed(500, PAUSE_MS)), () => {
      if (!mortal.process) mortal.start();
    });
    return false;
  }

  #lasting(ms: number): number {
    this.until = Math.max(this.until, this.#world.now + ms);
    return ms;
  }
}
