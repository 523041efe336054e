import { setTimeout as pause } from 'node:timers/promises';
import type { ServiceHandle } from '../cluster/cluster.ts';

/** A time without the word of one of the proxies, in wall time. */
export interface Outage {
  readonly proxy: number;
  /** Frozen: it says nothing, but its connections are there, and it goes on as if nothing had been. */
  readonly kind: 'killed' | 'frozen';
  readonly awayAt: number;
  /** Ready again; infinite until it is. */
  backAt: number;
}

/** The proxies of a cluster, of which one at a time is killed and comes back, or is frozen for a while; whoever uses one that dies comes again through another. */
export class Proxies {
  readonly outages: Outage[] = [];
  readonly #handles: readonly ServiceHandle[];
  readonly #lost = new Set<number>();

  constructor(handles: readonly ServiceHandle[]) {
    this.#handles = handles;
  }

  /** One that lives, by a number of [0, 1). */
  pick(part: number): { index: number; port: number } {
    const living = this.#handles
      .map((handle, index) => ({ index, port: handle.port }))
      .filter(({ index }) => !this.#away(index));
    const found = living[Math.floor(part * living.length)];
    if (!found) throw new Error('every proxy is away');
    return found;
  }

  /** Whether this one was killed after this wall time, or was not back by then. */
  died(proxy: number, since: number): boolean {
    return this.outages.some(
      ({ proxy: index, kind, backAt }) => kind === 'killed' && index === proxy && backAt >= since,
    );
  }

  async kill(part: number): Promise<Outage> {
    const { index } = this.pick(part);
    const outage: Outage = {
      proxy: index,
      kind: 'killed',
      awayAt: Date.now(),
      backAt: Number.POSITIVE_INFINITY,
    };
    // Known as away before it is, so that nobody chooses it at the last moment.
    this.outages.push(outage);
    await this.#handles[index]?.kill();
    return outage;
  }

  /** Kills one for good. */
  async lose(part: number): Promise<void> {
    const outage = await this.kill(part);
    this.#lost.add(outage.proxy);
  }

  async bringBack(outage: Outage): Promise<void> {
    const handle = this.#handles[outage.proxy];
    await handle?.start();
    await handle?.ready();
    outage.backAt = Date.now();
  }

  /** Stops one in its tracks for so long; users still come to it. */
  async freeze(part: number, forMs: number): Promise<void> {
    const { index } = this.pick(part);
    const outage: Outage = {
      proxy: index,
      kind: 'frozen',
      awayAt: Date.now(),
      backAt: Number.POSITIVE_INFINITY,
    };
    this.outages.push(outage);
    const pid = this.#handles[index]?.pid ?? 0;
    process.kill(pid, 'SIGSTOP');
    await pause(forMs);
    process.kill(pid, 'SIGCONT');
    outage.backAt = Date.now();
  }

  /**
   * Now and then one is killed and comes back a while later, or is frozen, until the signal; leaves all alive. `lastUse`, with
   * the number that picks it, is waited for just before one is killed.
   */
  async trouble(
    random: () => number,
    everyMs: number,
    signal: AbortSignal,
    lastUse: (part: number) => Promise<void>,
  ): Promise<void> {
    const rest = (ms: number) => pause(ms, undefined, { signal }).catch(() => {});
    await rest(everyMs * random());
    while (!signal.aborted) {
      if (random() < 0.5) await this.freeze(random(), 2_500 + 2_500 * random());
      else {
        const part = random();
        await lastUse(part);
        const outage = await this.kill(part);
        await rest(3_000 * random());
        await this.bringBack(outage);
      }
      await rest(everyMs * (0.5 + random()));
    }
  }

  #away(proxy: number): boolean {
    const open = ({ proxy: index, kind, backAt }: Outage) =>
      kind === 'killed' && index === proxy && backAt === Number.POSITIVE_INFINITY;
    return this.#lost.has(proxy) || this.outages.some(open);
  }
}

/**
 * The moment from which the idle clock may have gone on, for a session that was last used at `overAt`. A proxy that is killed
 * may have had it in use until then: its process is seen to be dead and the kernel is asked, so that neither its return nor
 * its lease is waited for. The missing word of a frozen one counts as use until it is back.
 */
export function clockFrom(overAt: number, withinMs: number, outages: readonly Outage[]): number {
  return outages.reduce((from, { kind, awayAt, backAt }) => {
    if (awayAt > from + withinMs) return from;
    return Math.max(from, kind === 'killed' ? awayAt : backAt);
  }, overAt);
}
