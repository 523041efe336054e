import type { SimulatedProxy } from '../parts/proxy.ts';
import type { Surroundings } from '../parts/surroundings.ts';
import { type AppServers, IDLE_TIMEOUTS_MS } from './app-servers.ts';

/** People with browsers: they come back to some sessions again and again, and leave others alone. */
export class Users {
  readonly #around: Surroundings;
  readonly #apps: AppServers;
  readonly #proxies: readonly SimulatedProxy[];
  #stopped = false;

  constructor(around: Surroundings, apps: AppServers, proxies: readonly SimulatedProxy[]) {
    this.#around = around;
    this.#apps = apps;
    this.#proxies = proxies;
  }

  start(): void {
    const { world } = this.#around;
    world.after(world.random.skewed(30, 1_500), () => {
      if (this.#stopped) return;
      void this.#visit();
      this.start();
    });
  }

  /** Nobody comes any more; exchanges end when they would have. */
  stop(): void {
    this.#stopped = true;
  }

  /** Mostly one of the latest. */
  #someBackend(): string | undefined {
    const { asked } = this.#apps;
    return asked.at(-1 - Math.floor(this.#around.world.random.next() ** 2 * Math.min(asked.length, 12)));
  }

  async #visit(backendId = this.#someBackend()): Promise<void> {
    const { world } = this.#around;
    const { random } = world;
    if (!backendId || this.#stopped) return;
    // Some come back just when it is to end for idleness.
    if (random.chance(0.35))
      world.after(
        random.pick(IDLE_TIMEOUTS_MS) * random.between(0.9, 1.4),
        () => void this.#visit(backendId),
      );
    const upgrade = random.chance(0.25);
    const leaving = new AbortController();
    if (random.chance(0.1)) this.#leaveLater(leaving);
    await random.pick(this.#proxies).request({
      backendId,
      upgrade,
      navigation: !upgrade && random.chance(0.3),
      lastsMs: upgrade ? random.skewed(500, 20_000) : random.skewed(3, 2_000),
      signal: leaving.signal,
    });
  }

  #leaveLater(leaving: AbortController): void {
    const { world } = this.#around;
    world.after(world.random.skewed(50, 5_000), () => leaving.abort(new Error('the user left')));
  }
}
