import { type AppError, isAppError } from '@spawner/domain';
import { SchedulerServiceService } from '@spawner/proto/internal/scheduler_service';
import { Access, type BackendKey, BackendSpec, BackendState, OnLeaseLoss } from '@spawner/proto/v1/backend';
import { ReusePolicy } from '@spawner/proto/v1/backend_service';
import type { RpcClient } from '@spawner/rpc';
import { placeBackend } from '../../../services/gateway/src/spawn.ts';
import { SPAWN_PATIENCE_MS } from '../healing/bounds.ts';
import type { Surroundings } from '../parts/surroundings.ts';
import { Machine } from '../world/machine.ts';
import { Process } from '../world/process.ts';
import { Tokens, type TokenWatch } from './tokens.ts';

type Scheduler = RpcClient<typeof SchedulerServiceService>;

export const IDLE_TIMEOUTS_MS = [2_000, 5_000, 10_000];
const HERD = 4;
const KEY_NAMES = ['board', 'game', 'notes'];

/** Is asked and told about the answers that clients get. */
export interface ClientWatch {
  spawned(id: string): void;
  notSpawned(error: Error, roomBefore: boolean, key: BackendKey | undefined): void;
  hasRoom(): boolean;
  /** A repeated spawn was answered with its own backend, which no drone has reported on. */
  repeated(id: string): void;
  notFound(id: string, since: number): void;
}

/** The app servers that spawn backends, with and without keys, and terminate them. Each has a gateway's own spawn loop. */
export class AppServers {
  /** Every id that was ever asked for, the latest last. */
  readonly asked: string[] = [];
  /** Calls that are not answered yet. */
  waiting = 0;
  readonly tokens: Tokens;
  readonly #around: Surroundings;
  readonly #watch: ClientWatch;
  readonly #process: Process;
  readonly #scheduler: Scheduler;
  #round = 0;

  constructor(around: Surroundings, watch: ClientWatch & TokenWatch) {
    const { world, rpc, schedulers } = around;
    this.#around = around;
    this.#watch = watch;
    this.#process = new Process('clients', new Machine('clients', world), world);
    this.#scheduler = rpc.client(SchedulerServiceService, this.#process, schedulers);
    this.tokens = new Tokens(world, watch, this.#scheduler, (work) => this.#call(work, () => {}));
  }

  start(): void {
    this.#round++;
    this.#repeat(() => this.#spawn(), 300, 6_000);
    this.#repeat(() => this.#herd(), 6_000, 40_000);
    this.#repeat(() => this.#terminate(), 5_000, 30_000);
    this.#repeat(() => this.tokens.revoke(), 2_000, 20_000);
  }

  stop(): void {
    this.#round++;
  }

  /** Several people press the button at once, so that starts wait for each other. */
  async #herd(): Promise<void> {
    await Promise.all(Array.from({ length: HERD }, () => this.#spawn()));
  }

  async #spawn(): Promise<void> {
    const { random } = this.#around.world;
    const spec = BackendSpec.fromPartial({
      image: 'demo/app:1',
      resources: { cpuMillis: 100, memoryBytes: 64e6 },
      stopGraceMs: random.pick([500, 10_000, 10_000]),
      idleTimeoutMs: random.chance(0.1) ? 0 : random.pick(IDLE_TIMEOUTS_MS),
      lifetimeLimitMs: random.chance(0.1) ? 20_000 : 0,
      startupTimeoutMs: 10_000,
      access: this.tokens.isWanted() ? Access.TOKEN : Access.UNSPECIFIED,
      onLeaseLoss: random.chance(0.2) ? OnLeaseLoss.CONTINUE : OnLeaseLoss.UNSPECIFIED,
    });
    const key = random.chance(0.5) ? keyOf(random.pick(KEY_NAMES)) : undefined;
    const { clock } = this.#process;
    const roomBefore = this.#watch.hasRoom();
    const leaving = new AbortController();
    const parts = {
      scheduler: this.#noting(),
      clock,
      random: random.next,
      randomBytes: (count: number) => Uint8Array.from({ length: count }, () => random.below(256)),
    };
    const wanted = { spec, key, reusePolicy: ReusePolicy.REUSE };
    await this.#call(
      async () => {
        const caller = { signal: leaving.signal, timeLeftMs: () => SPAWN_PATIENCE_MS };
        const { backend, spawned } = await placeBackend(parts, wanted, caller);
        if (spawned) this.#watch.spawned(backend.id);
        else this.asked.push(backend.id);
        if (spawned) void this.tokens.spawned(backend.id);
      },
      (error) => this.#watch.notSpawned(error, roomBefore, key),
    );
  }

  /** The scheduler, with a note of every id that the gateway sends. */
  #noting(): Scheduler {
    const spawnBackend: Scheduler['spawnBackend'] = async (request, options) => {
      if (!request.repeated) this.asked.push(request.id);
      if (request.spec?.access === Access.TOKEN) this.tokens.guarded(request.id);
      const answer = await this.#scheduler.spawnBackend(request, options);
      const placed = answer.outcome?.$case === 'placed' ? answer.outcome.value.backend : undefined;
      if (request.repeated && placed?.state === BackendState.SCHEDULED) this.#watch.repeated(request.id);
      return answer;
    };
    return { ...this.#scheduler, spawnBackend };
  }

  async #terminate(): Promise<void> {
    const { random, now: since } = this.#around.world;
    const id = this.asked.at(-1 - random.below(8));
    if (!id) return;
    await this.#call(
      async () =>
        void (await this.#scheduler.terminateBackend({ id, key: undefined, force: random.chance(0.3) })),
      (error) => {
        if (error.code === 'not_found') this.#watch.notFound(id, since);
      },
    );
  }

  async #call(call: () => Promise<void>, failed: (error: AppError) => void): Promise<void> {
    this.waiting++;
    try {
      await call();
    } catch (error) {
      this.#around.world.see(error, 'a call of a client');
      if (isAppError(error)) failed(error);
    } finally {
      this.waiting--;
    }
  }

  #repeat(work: () => Promise<void>, from: number, to: number): void {
    const { world } = this.#around;
    const round = this.#round;
    world.after(world.random.skewed(from, to), () => {
      if (this.#round !== round) return;
      void work();
      this.#repeat(work, from, to);
    });
  }
}

function keyOf(name: string): BackendKey {
  return { namespace: 'simulated', name, tag: '' };
}
