import { isAppError } from '@spawner/domain';
import { endsWithLease } from '@spawner/proto';
import { SchedulerServiceService } from '@spawner/proto/internal/scheduler_service';
import type { SimulatedDrone } from '../parts/drone.ts';
import type { Surroundings } from '../parts/surroundings.ts';
import { Machine } from '../world/machine.ts';
import { Process } from '../world/process.ts';
import type { Random } from '../world/random.ts';
import type { Interruptions } from './interruptions.ts';

const AGAIN_MS = 4_000;
/** The steps after which a scheduler may be interrupted: of a lapse, and of a loss that an operator reports. */
const LAPSE = ['lapse', 'lapse', 'abandon'] as const;
const FORGET = ['forget-drone', 'forget-drone', 'abandon'] as const;

/**
 * A drone that burns down with everything that it runs, often while it holds a strict key. In some worlds an operator reports
 * the loss. In most, a scheduler is interrupted between two steps of what follows from it.
 */
export class BurntDrone {
  readonly #around: Surroundings;
  readonly #drones: readonly SimulatedDrone[];
  readonly #interruptions: Interruptions;
  readonly #random: Random;

  constructor(around: Surroundings, drones: readonly SimulatedDrone[], interruptions: Interruptions) {
    this.#around = around;
    this.#drones = drones;
    this.#interruptions = interruptions;
    this.#random = around.world.stream('burnt drone');
  }

  /** Plans one of the next `ms`, or none. */
  plan(ms: number): void {
    const random = this.#random;
    const { world } = this.#around;
    if (!random.chance(0.15)) return;
    const any = random.pick(this.#drones);
    const holds = random.chance(0.8);
    const told = random.chance(0.5) ? random.between(1_000, 80_000) : undefined;
    const step = random.chance(0.8) ? random.pick(told === undefined ? LAPSE : FORGET) : undefined;
    world.after(random.between(5_000, ms), () => {
      const drone = (holds && this.#drones.find(holdsStrictKey)) || any;
      drone.burn();
      if (step)
        this.#interruptions.expect(step, (run) =>
          step === 'abandon' ? run.argument('when') === 'any' : run.id === drone.name,
        );
      if (told !== undefined) world.after(told, () => this.#tell(drone.name));
    });
  }

  heal(): void {}

  /** Repeats the call until it is understood. */
  #tell(drone: string): void {
    const { world, rpc, schedulers } = this.#around;
    const process = new Process('operator', new Machine('operator', world), world);
    const scheduler = rpc.client(SchedulerServiceService, process, schedulers);
    const attempt = () => {
      world.note('forget', 'operator', drone);
      scheduler.forgetDrone({ id: drone }).catch((error: unknown) => {
        if (!isAppError(error, 'not_found')) world.after(AGAIN_MS, attempt);
      });
    };
    attempt();
  }
}

function holdsStrictKey({ agent, process }: SimulatedDrone): boolean {
  const living = (process && agent?.drone.living()) ?? [];
  return living.some(({ entry }) => endsWithLease(entry.spec.onLeaseLoss, entry.key));
}
