import type { Forward } from '../../../services/proxy/src/edge/request.ts';
import type { Container } from '../engine/container.ts';
import type { Process } from '../world/process.ts';
import type { World } from '../world/world.ts';

/** One exchange of a user with a program. */
export interface Exchange {
  readonly upgrade: boolean;
  /** The id of the token that opened it, if its backend asks for one. */
  readonly tokenId: string | undefined;
  end(): void;
}

export interface Terms {
  readonly id: string;
  readonly upgrade: boolean;
  /** How long it lasts, in true milliseconds. */
  readonly lastsMs: number;
  /** Called at its end. */
  over(): void;
}

/** The exchanges that are open at one proxy, in the place of connections. */
export class Exchanges {
  readonly #world: World;
  #open = new Map<string, Set<Exchange>>();
  readonly #since = new Map<string, number>();

  constructor(world: World) {
    this.#world = world;
  }

  /** A request has reached its program. */
  begin(
    process: Process,
    { active, holder }: Forward,
    container: Container,
    { id, upgrade, lastsMs, over }: Terms,
  ): Exchange {
    const world = this.#world;
    active.reached(upgrade, '/');
    active.answered(process.clock.now());
    const exchanges = this.#open.get(id) ?? new Set();
    if (exchanges.size === 0) this.#since.set(id, world.now);
    let isOver = false;
    const exchange: Exchange = {
      upgrade,
      tokenId: holder?.tokenId,
      end: () => {
        if (isOver) return;
        isOver = true;
        container.connections.delete(connection);
        container.usedAt = world.now;
        exchanges.delete(exchange);
        active.end(process.clock.now());
        over();
      },
    };
    const connection = { broken: () => exchange.end() };
    container.connections.add(connection);
    container.usedAt = world.now;
    world.count(upgrade ? 'upgrades-reached' : 'requests-reached');
    this.#open.set(id, exchanges.add(exchange));
    world.after(lastsMs, exchange.end, process);
    return exchange;
  }

  /** Ends those of a backend that the condition names. */
  endAll(id: string, which: (exchange: Exchange) => boolean): void {
    for (const exchange of [...(this.#open.get(id) ?? [])]) if (which(exchange)) exchange.end();
  }

  /** The proxy is gone, and so are its connections. */
  crash(): void {
    const open = [...this.#open.values()].flatMap((exchanges) => [...exchanges]);
    this.#open = new Map();
    for (const exchange of open) exchange.end();
  }

  /** True time since which there is one of this backend; undefined if there is none. */
  since(id: string): number | undefined {
    return this.#open.get(id)?.size ? this.#since.get(id) : undefined;
  }

  /** Whether one that this token has opened is still open. */
  isOpenBy(tokenId: string): boolean {
    for (const exchanges of this.#open.values())
      for (const exchange of exchanges) if (exchange.tokenId === tokenId) return true;
    return false;
  }
}
