import { DeferredBus, openBus } from '@spawner/bus';
import { Membership, schedulerAt } from '@spawner/cluster';
import type { App, ProcessIdentity } from '@spawner/service';
import { keysOf, openRedis, type Redis, type RouteTable } from '@spawner/store';
import type { ProxyConfig } from '../config.ts';
import { TIMEOUTS } from '../timeouts.ts';
import { untilNoneMissing } from './join.ts';
import { ProxyNode } from './proxy-node.ts';

export interface ClusterParts {
  readonly config: ProxyConfig;
  readonly app: App;
  readonly routes: RouteTable;
  /** Without routes from a snapshot a proxy has nothing to serve, so it waits for the whole cluster. */
  readonly restored: boolean;
  /** This process; undefined if its system does not identify processes. */
  readonly process: ProcessIdentity | undefined;
}

/** The rest of the cluster as a proxy follows it: Redis, NATS and the scheduler, each from when it is there. */
export class Cluster {
  readonly bus: DeferredBus;
  readonly membership: Membership;
  readonly #parts: ClusterParts;
  readonly #redis: Promise<Redis>;

  /** Starts to connect to every part and to register. */
  constructor(parts: ClusterParts) {
    const { config, app, routes, restored, process } = parts;
    const { clock, log } = app;
    const needed = !restored;
    const node = new ProxyNode(config, process);
    const bus = app.own(new DeferredBus());
    const membership = app.own(new Membership(schedulerAt(config.scheduler), node, clock, log));
    this.#parts = parts;
    this.bus = bus;
    this.membership = membership;
    this.#redis = app.connect('Redis', () => openRedis(config.redisUrl, log), { needed });
    // The loop that follows the routes awaits it, and may not have begun when it rejects.
    this.#redis.catch(() => {});
    const connectBus = async () => {
      bus.use(await openBus(config.natsUrl, config.id, log));
      // It is closed with `bus`, which the app has owned for longer than everything that needs it.
      return { close: () => {} };
    };
    app.connect('NATS', connectBus, { needed }).catch((error: unknown) => {
      if (!app.signal.aborted) log.error({ error }, 'the bus cannot be opened');
    });
    if (needed) app.readyWhen(() => membership.waitingFor());
    if (needed) app.readyWhen(() => unread(routes));
    // An agent asks every registered proxy over the bus, so that comes before the registration.
    const busUntil = clock.now() + TIMEOUTS.aloneAfter;
    app.every('membership', 500, async (signal) => {
      await untilNoneMissing([() => unheard(bus)], clock, signal, busUntil);
      await node.findAddresses();
      await membership.run(signal);
    });
  }

  /**
   * Resolves when this proxy has registered and then read the routes. With a snapshot it resolves after a while in any case,
   * and the proxy follows each part of the cluster when it returns. The order matters: an agent that ends a backend asks every
   * registered proxy, and any other must read the routes afterwards.
   */
  async joined(): Promise<void> {
    const { app, routes, restored } = this.#parts;
    const { clock, log, signal } = app;
    const until = restored ? clock.now() + TIMEOUTS.aloneAfter : undefined;
    const known = [() => unheard(this.bus), () => this.membership.waitingFor()];
    await untilNoneMissing(known, clock, signal, until);
    this.#followRoutes();
    const all = [...known, () => unread(routes)];
    await untilNoneMissing([() => unread(routes)], clock, signal, until);
    const missing = all.map((check) => check()).filter((part) => part !== undefined);
    if (missing.length > 0) log.warn({ missing }, 'serving a snapshot without the rest of the cluster');
  }

  #followRoutes(): void {
    const { config, app, routes } = this.#parts;
    const keys = keysOf(config.cluster);
    app.every('routes', 500, async (signal) =>
      routes.follow(await this.#redis, keys, app.clock, app.log, signal),
    );
  }
}

function unheard(bus: DeferredBus): string | undefined {
  return bus.connected ? undefined : 'NATS';
}

function unread(routes: RouteTable): string | undefined {
  return routes.loads > 0 ? undefined : 'the routes';
}
