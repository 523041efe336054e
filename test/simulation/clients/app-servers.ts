import { isAppError, newBackendId } from '@spawner/domain';
import { NotPlacedReason, SchedulerServiceService } from '@spawner/proto/internal/scheduler_service';
import { type BackendKey, BackendSpec, BackendState, OnLeaseLoss } from '@spawner/proto/v1/backend';
import { ReusePolicy } from '@spawner/proto/v1/backend_service';
import type { RpcClient } from '@spawner/rpc';
import { resultOf } from '../../../services/gateway/src/spawn-attempts.ts';
import type { Surroundings } from '../parts/surroundings.ts';
import { Machine } from '../world/machine.ts';
import { Process } from '../world/process.ts';

export const IDLE_TIMEOUTS_MS = [2_000, 5_000, 10_000];
const KEY_NAMES = ['board', 'game', 'notes'];
const SPAWN_MS = 8_000;
const TRIES = 3;

/** What hears of answers that clients get. */
export interface ClientWatch {
  spawned(id: string): void;
  notFound(id: string, since: number): void;
}

/** What the cluster is asked for by those who build on it: backends with and without keys, and their ends. */
export class AppServers {
  /** Every id that was ever asked for; the latest last. */
  readonly asked: string[] = [];
  /** Calls that nobody has answered yet. */
  waiting = 0;
  readonly #around: Surroundings;
  readonly #watch: ClientWatch;
  readonly #process: Process;
  readonly #scheduler: RpcClient<typeof SchedulerServiceService>;
  #stopped = false;

  constructor(around: Surroundings, watch: ClientWatch) {
    const { world, rpc, schedulers } = around;
    this.#around = around;
    this.#watch = watch;
    this.#process = new Process('clients', new Machine('clients', world), world);
    this.#scheduler = rpc.client(SchedulerServiceService, this.#process, schedulers);
  }

  start(): void {
    this.#again(() => this.#spawn(), 300, 6_000);
    this.#again(() => this.#terminate(), 5_000, 30_000);
  }

  stop(): void {
    this.#stopped = true;
  }

  async #spawn(): Promise<void> {
    const { random } = this.#around.world;
    const id = newBackendId((count) => Uint8Array.from({ length: count }, () => random.below(256)));
    const key = random.chance(0.5) ? keyOf(random.pick(KEY_NAMES)) : undefined;
    const spec = BackendSpec.fromPartial({
      image: 'demo/app:1',
      resources: { cpuMillis: 100, memoryBytes: 64e6 },
      stopGraceMs: random.pick([500, 10_000, 10_000]),
      idleTimeoutMs: random.chance(0.1) ? 0 : random.pick(IDLE_TIMEOUTS_MS),
      lifetimeLimitMs: random.chance(0.1) ? 20_000 : 0,
      startupTimeoutMs: 10_000,
      onLeaseLoss: random.chance(0.2) ? OnLeaseLoss.CONTINUE : OnLeaseLoss.UNSPECIFIED,
    });
    this.asked.push(id);
    for (let tries = 0; tries < TRIES; tries++) {
      const answer = await this.#call(() =>
        this.#scheduler.spawnBackend(
          { id, spec, key, reusePolicy: ReusePolicy.REUSE, repeated: tries > 0 },
          { timeoutMs: SPAWN_MS },
        ),
      );
      if (answer === 'refused' || answer === 'not found') return;
      if (answer === 'again') continue;
      const result = resultOf(answer);
      if (result.kind === 'not-placed') {
        if (result.reason === NotPlacedReason.NO_ROOM) return;
        continue;
      }
      const { backend } = result;
      if (backend.id !== id) this.asked.push(backend.id);
      else if (tries > 0 && backend.state === BackendState.SCHEDULED) this.#watch.spawned(id);
      return;
    }
  }

  async #terminate(): Promise<void> {
    const { random } = this.#around.world;
    const id = this.asked.at(-1 - random.below(8));
    if (!id) return;
    const since = this.#around.world.now;
    const answer = await this.#call(() =>
      this.#scheduler.terminateBackend({ id, key: undefined, force: random.chance(0.3) }),
    );
    if (answer === 'not found') this.#watch.notFound(id, since);
  }

  async #call<T>(call: () => Promise<T>): Promise<T | 'again' | 'refused' | 'not found'> {
    this.waiting++;
    try {
      return await call();
    } catch (error) {
      if (isAppError(error, 'not_found')) return 'not found';
      return isAppError(error, 'unavailable', 'deadline') ? 'again' : 'refused';
    } finally {
      this.waiting--;
    }
  }

  #again(work: () => Promise<void>, from: number, to: number): void {
    const { world } = this.#around;
    world.after(world.random.skewed(from, to), () => {
      if (this.#stopped) return;
      void work();
      this.#again(work, from, to);
    });
  }
}

function keyOf(name: string): BackendKey {
  return { namespace: 'simulated', name, tag: '' };
}
