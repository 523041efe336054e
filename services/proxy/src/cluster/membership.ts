import { BusToCome, openBus } from '@spawner/bus';
import { Membership, schedulerAt } from '@spawner/cluster';
import { Node, NodeKind } from '@spawner/proto/internal/node';
import type { App, ProcessIdentity } from '@spawner/service';
import { keysOf, openRedis, type Redis, type RouteTable } from '@spawner/store';
import type { ProxyConfig } from '../config.ts';
import { TIMEOUTS } from '../timeouts.ts';
import { publicAddresses } from './public-addresses.ts';
import { nothingToWaitFor } from './wait-until.ts';

export interface ClusterOptions extends ProxyConfig {
  /** This process, where its system tells. */
  readonly process: ProcessIdentity | undefined;
}

/**
 * The rest of the cluster as a proxy follows it. Each part comes when it comes: a proxy without routes of its own waits for all
 * of them, one that has kept some serves without those that are away, and takes them up when they are back.
 */
export class Cluster {
  readonly bus: BusToCome;
  readonly membership: Membership;
  readonly #app: App;
  readonly #config: ProxyConfig;
  readonly #routes: RouteTable;
  /** Whether nothing can be served without it. */
  readonly #needed: boolean;
  readonly #redis: Promise<Redis>;

  constructor(config: ClusterOptions, app: App, routes: RouteTable, needed: boolean) {
    const { id, region, droneId, process } = config;
    const { clock, log } = app;
    const whether = { needed };
    this.#config = config;
    this.#app = app;
    this.#routes = routes;
    this.#needed = needed;
    this.bus = app.own(new BusToCome());
    const node = Node.fromPartial({ kind: NodeKind.PROXY, id, region, droneId, process });
    this.membership = app.own(new Membership(schedulerAt(config.scheduler), { node }, clock, log));
    if (needed) {
      app.readyWhen(() => this.membership.waitingFor());
      app.readyWhen(() => this.#unread());
    }
    this.#redis = app.connect('Redis', () => openRedis(config.redisUrl, log), whether);
    // Whoever follows hears of it.
    this.#redis.catch(() => {});
    app
      .connect('NATS', () => this.#openBus(), whether)
      .catch((error: unknown) => {
        if (!app.signal.aborted) log.error({ error }, 'the bus cannot be opened');
      });
    // Agents that hear of it ask it, by the bus.
    const begun = clock.now();
    app.every('membership', 500, async (signal) => {
      await nothingToWaitFor([() => this.#unheard()], clock, signal, begun + TIMEOUTS.aloneAfter);
      if (node.publicAddresses.length === 0)
        node.publicAddresses = [...(await publicAddresses(config)).addresses];
      await this.membership.run(signal);
    });
  }

  /**
   * Resolves when this proxy has registered and then read the routes: an agent that ends a backend asks every registered proxy.
   * Where it is not needed, some seconds later at the latest; both go on.
   */
  async joined(): Promise<void> {
    const { clock, log, signal } = this.#app;
    const patience = this.#needed ? Number.POSITIVE_INFINITY : clock.now() + TIMEOUTS.aloneAfter;
    const registered = () => this.membership.waitingFor();
    await nothingToWaitFor([() => this.#unheard(), registered], clock, signal, patience);
    this.#follow();
    await nothingToWaitFor([() => this.#unread()], clock, signal, patience);
    const missing = [this.#unheard(), registered(), this.#unread()].filter((phrase) => phrase !== undefined);
    if (missing.length > 0)
      log.warn({ missing }, 'serving without the rest of the cluster, from what was kept');
  }

  #unheard(): string | undefined {
    return this.bus.connected ? undefined : 'NATS';
  }

  #unread(): string | undefined {
    return this.#routes.loads > 0 ? undefined : 'the routes';
  }

  #follow(): void {
    const { clock, log } = this.#app;
    const keys = keysOf(this.#config.cluster);
    this.#app.every('routes', 500, async (signal) =>
      this.#routes.follow(await this.#redis, keys, clock, log, signal),
    );
  }

  /** It may come when the proxy is there already, and is needed until that is gone: so it is closed with what was there before. */
  async #openBus(): Promise<{ close(): void }> {
    const { natsUrl, id } = this.#config;
    this.bus.use(await openBus(natsUrl, id, this.#app.log));
    return { close: () => {} };
  }
}
