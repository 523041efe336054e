import type { SimulatedProxy } from '../parts/proxy.ts';
import type { Surroundings } from '../parts/surroundings.ts';
import { type AppServers, IDLE_TIMEOUTS_MS } from './app-servers.ts';

/** The probability that a request comes just after its proxy was asked about its backend. */
const COMES_AT_QUESTION = 0.08;

/** People with browsers. They return to some sessions again and again, and leave others alone. */
export class Users {
  readonly #around: Surroundings;
  readonly #apps: AppServers;
  readonly #proxies: readonly SimulatedProxy[];
  /** Counts the times that users began to come; undefined while they stay away. */
  #round: number | undefined;
  #rounds = 0;

  constructor(around: Surroundings, apps: AppServers, proxies: readonly SimulatedProxy[]) {
    this.#around = around;
    this.#apps = apps;
    this.#proxies = proxies;
    const random = around.world.stream('questions');
    for (const proxy of proxies)
      proxy.onQuestion = (id) => {
        if (random.chance(COMES_AT_QUESTION)) this.#comeAt(proxy, id, random.skewed(0.2, 60));
      };
  }

  start(): void {
    this.#round = ++this.#rounds;
    this.#come(this.#round);
  }

  /** No more requests come. Exchanges end when they would have. */
  stop(): void {
    this.#round = undefined;
  }

  #come(round: number): void {
    const { world } = this.#around;
    world.after(world.random.skewed(30, 1_500), () => {
      if (this.#round !== round) return;
      void this.#visit(round);
      this.#come(round);
    });
  }

  /** Mostly one of the latest. */
  #someBackend(): string | undefined {
    const { asked } = this.#apps;
    return asked.at(-1 - Math.floor(this.#around.world.random.next() ** 2 * Math.min(asked.length, 12)));
  }

  async #visit(round: number, backendId = this.#someBackend()): Promise<void> {
    const { world } = this.#around;
    const { random } = world;
    if (!backendId || this.#round !== round) return;
    // Some come back at the moment of its idle shutdown.
    if (random.chance(0.35))
      world.after(
        random.pick(IDLE_TIMEOUTS_MS) * random.between(0.9, 1.4),
        () => void this.#visit(round, backendId),
      );
    const leaving = new AbortController();
    if (random.chance(0.1)) this.#leaveLater(leaving);
    await this.#ask(random.pick(this.#proxies), backendId, leaving.signal);
  }

  /** A request comes while an idle shutdown is being settled, to a proxy that has just reported what it has open. */
  #comeAt(proxy: SimulatedProxy, backendId: string, ms: number): void {
    this.#around.world.after(ms, () => {
      if (this.#round !== undefined) void this.#ask(proxy, backendId, new AbortController().signal);
    });
  }

  async #ask(proxy: SimulatedProxy, backendId: string, signal: AbortSignal): Promise<void> {
    const { random } = this.#around.world;
    const upgrade = random.chance(0.25);
    const navigation = !upgrade && random.chance(0.3);
    const asks = {
      backendId,
      upgrade,
      navigation,
      lastsMs: upgrade ? random.skewed(500, 20_000) : random.skewed(3, 2_000),
      credential: this.#apps.tokens.credentialFor(backendId, navigation),
      signal,
    };
    const outcome = await proxy.request(asks);
    if (outcome?.kind === 'handed over')
      await proxy.request({ ...asks, credential: asks.credential && { ...asks.credential, by: 'cookie' } });
  }

  #leaveLater(leaving: AbortController): void {
    const { world } = this.#around;
    world.after(world.random.skewed(50, 5_000), () => leaving.abort(new Error('the user left')));
  }
}
