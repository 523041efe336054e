import { isAppError } from '@spawner/domain';
import { SchedulerServiceService } from '@spawner/proto/internal/scheduler_service';
import type { SimulatedDrone } from '../parts/drone.ts';
import type { Surroundings } from '../parts/surroundings.ts';
import { Machine } from '../world/machine.ts';
import { Process } from '../world/process.ts';
import type { Random } from '../world/random.ts';
import type { Interruptions } from './interruptions.ts';

const AGAIN_MS = 4_000;

/** A drone that burns down with everything that it runs. In some worlds an operator reports the loss. */
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
    const drone = random.pick(this.#drones);
    const told = random.chance(0.5) ? random.between(1_000, 80_000) : undefined;
    const last = told === undefined ? 'lapse' : 'forget-drone';
    const interrupted = random.chance(0.8) ? random.pick([last, last, 'abandon'] as const) : undefined;
    world.after(random.between(5_000, ms), () => {
      drone.burn();
      if (interrupted) this.#interruptions.expect(interrupted);
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
