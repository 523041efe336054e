import { setTimeout as pause } from 'node:timers/promises';
import type { ServiceHandle } from '../cluster/cluster.ts';

/** A time without answers of one of the proxies, in wall time. */
export interface Outage {
  readonly proxy: number;
  /** A frozen proxy keeps its connections and continues later. */
  readonly kind: 'killed' | 'frozen';
  readonly awayAt: number;
  /** Ready again; infinite until it is. */
  backAt: number;
}

/**
 * The proxies of a cluster, of which one at a time is killed and comes back, or is frozen for a while. The users of one
 * that dies come again through another.
 */
export class Proxies {
  readonly outages: Outage[] = [];
  readonly #handles: readonly ServiceHandle[];
  readonly #lost = new Set<number>();

  constructor(handles: readonly ServiceHandle[]) {
    this.#handles = handles;
  }

  /** Picks a living proxy by a number of [0, 1). */
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

  /** The time from one wall time to a later one in which this proxy was not frozen. */
  awakeMs(proxy: number, from: number, to: number): number {
    const frozen = this.outages
      .filter((outage) => outage.kind === 'frozen' && outage.proxy === proxy)
      .map(({ awayAt, backAt }) => Math.max(0, Math.min(to, backAt) - Math.max(from, awayAt)));
    return to - from - frozen.reduce((sum, ms) => sum + ms, 0);
  }

  async kill(part: number): Promise<Outage> {
    const { index } = this.pick(part);
    const outage: Outage = {
      proxy: index,
      kind: 'killed',
      awayAt: Date.now(),
      backAt: Number.POSITIVE_INFINITY,
    };
    // Noted as away before it is, so that no user picks it at the last moment.
    this.outages.push(outage);
    await this.#handles[index]?.kill();
    return outage;
  }

  /** Kills one, which does not come back. */
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
   * Now and then kills one, which comes back a while later, or freezes one, until the signal; leaves all alive. Just before
   * it kills one it awaits `lastUse`, with the number that picks the proxy.
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
 * The moment from which the idle clock may have run, for a session that was last used at `overAt`. A proxy that is killed
 * may have had the session in use until then. The agent sees that its process is dead, so it waits neither for its return
 * nor for its lease. The missing answer of a frozen proxy counts as use until it is back.
 */
export function clockFrom(overAt: number, withinMs: number, outages: readonly Outage[]): number {
  return outages.reduce((from, { kind, awayAt, backAt }) => {
    if (awayAt > from + withinMs) return from;
    return Math.max(from, kind === 'killed' ? awayAt : backAt);
  }, overAt);
}
