import type { Answer } from '../../../services/dns/src/protocol/records.ts';
import type { SimulatedDns } from '../parts/dns.ts';
import type { Random } from '../world/random.ts';
import type { World } from '../world/world.ts';
import type { AppServers } from './app-servers.ts';

/** Takes note of every answer. `id` is undefined for the domain itself. */
export interface NameWatch {
  named(dns: SimulatedDns, id: string | undefined, answer: Answer): void;
}

/** Asked for by no client. */
const UNKNOWN = 'z'.repeat(26);

/** Resolvers that ask for the addresses of backends, mostly of the latest ones. */
export class Resolvers {
  readonly #world: World;
  readonly #apps: AppServers;
  readonly #dns: SimulatedDns;
  readonly #watch: NameWatch;
  readonly #random: Random;
  #round = 0;

  constructor(world: World, apps: AppServers, dns: SimulatedDns, watch: NameWatch) {
    this.#world = world;
    this.#apps = apps;
    this.#dns = dns;
    this.#watch = watch;
    this.#random = world.stream('resolvers');
  }

  start(): void {
    this.#come(++this.#round);
  }

  stop(): void {
    this.#round++;
  }

  #come(round: number): void {
    this.#world.after(this.#random.skewed(250, 4_000), () => {
      if (this.#round !== round) return;
      this.#ask(this.#someName());
      this.#come(round);
    });
  }

  #someName(): string | undefined {
    if (this.#random.chance(0.1)) return undefined;
    return this.#apps.asked.at(-1 - this.#random.below(10)) ?? UNKNOWN;
  }

  /** A query waits in the socket of a server that is paused. */
  #ask(id: string | undefined): void {
    const dns = this.#dns;
    if (!dns.process) return;
    this.#world.after(
      this.#random.between(0.2, 2),
      () => {
        const answer = dns.addressesOf(id);
        if (answer) this.#watch.named(dns, id, answer);
      },
      dns.process,
    );
  }
}
