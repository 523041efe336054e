import type { ScriptNames } from '../links/script-names.ts';
import type { Process } from '../world/process.ts';
import type { Random } from '../world/random.ts';
import type { World } from '../world/world.ts';
import type { Mortal } from './faults.ts';
import { LOSSES, type StoreFaults } from './store-faults.ts';

/** What a scheduler does in several steps: the script after which it is interrupted; rare ones as often as common ones. */
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

/** Of its store's answer its process hears nothing, because it is gone, or because the answer is lost, or it hears of it late, from a store that is another by then. */
const WAYS = ['dies', 'dies', 'unheard', 'stands still', 'stands still', 'another store'] as const;

interface Interruption {
  readonly script: (typeof AFTER)[number];
  readonly way: (typeof WAYS)[number];
  /** So many pass before. */
  left: number;
  /** It comes though everything works again. */
  readonly late?: boolean;
}

/**
 * Schedulers that are interrupted between two steps of one thing that they do, just after the first has been carried out.
 * Such a moment is a thousandth of a second long: faults that come at any time hardly ever meet it.
 */
export class Interruptions {
  readonly #world: World;
  readonly #schedulers: readonly Mortal[];
  readonly #names: ScriptNames;
  readonly #losses: StoreFaults;
  readonly #random: Random;
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

  heal(): void {
    this.#next = this.#next.filter(({ late }) => late);
  }

  /** Whoever does this next is interrupted, whenever that is. */
  expect(script: Interruption['script']): void {
    this.#next.push({
      script,
      way: this.#random.pick(['dies', 'unheard', 'stands still']),
      left: 0,
      late: true,
    });
  }

  /** Whether the process that sent this command hears of it. */
  hears(process: Process, command: readonly (string | Buffer)[]): boolean {
    if (this.#next.length === 0) return true;
    const mortal = this.#schedulers.find((one) => one.process === process);
    if (!mortal) return true;
    const script = this.#names.of(String(command[1]));
    const due = this.#next.find((one) => one.script === script);
    if (!due || due.left-- > 0) return true;
    this.#next.splice(this.#next.indexOf(due), 1);
    return this.#interrupt(mortal, process, due);
  }

  #interrupt(mortal: Mortal, process: Process, { script, way }: Interruption): boolean {
    this.#world.note(`interrupted after ${script}`, process.name, way);
    if (way === 'stands still' || way === 'another store')
      process.standStill(this.#random.between(1_000, 20_000));
    if (way === 'another store') this.#losses.happen(this.#random.pick(LOSSES));
    if (way !== 'dies') return way !== 'unheard';
    mortal.crash();
    this.#world.after(this.#random.skewed(500, 20_000), () => {
      if (!mortal.process) mortal.start();
    });
    return false;
  }
}
