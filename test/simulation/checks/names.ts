import { DEADLINES } from '@spawner/domain';
import { type Answer, RCODE } from '../../../services/dns/src/protocol/records.ts';
import { BOUNDS, onSlowestClock } from '../healing/bounds.ts';
import type { ScriptRun } from '../links/script-names.ts';
import type { SimulatedDns } from '../parts/dns.ts';
import type { SimulatedProxy } from '../parts/proxy.ts';
import { KEYS } from '../parts/scheduler.ts';
import { LONGEST_DELAY } from '../world/network.ts';
import type { Process } from '../world/process.ts';
import type { World } from '../world/world.ts';
import type { Availability } from './availability.ts';
import type { ReadStore } from './read-store.ts';
import type { Records } from './records.ts';

/** The cluster clock gains so much at most on the true time since a renewal: an outage of the store counts as one turn. */
const CLOCK_GAIN_MS = DEADLINES.clockTurn + 1_000;
const FASTEST = 1.1;
/** A scheduler's list of proxies that is older than this shows nothing. */
const OLDEST_LIST_MS = 30_000;
/** From the first list that lacks a proxy which the store has lost, until dns no longer names it. */
const LOST_MS = onSlowestClock(DEADLINES.refill) + 5_000;

/**
 * Invariant `names`: a backend has addresses from its placement to its end, as far as dns has read the store. The addresses
 * are those of proxies whose registration has not lapsed, or that a lost store forgot a moment ago. In a healed world dns has
 * read the store within its bound, and names every proxy.
 */
export class Names {
  readonly #world: World;
  readonly #records: Records;
  readonly #proxies: readonly SimulatedProxy[];
  readonly #read: ReadStore;
  readonly #availability: Availability;
  #lostAt = Number.NEGATIVE_INFINITY;
  /** When dns was first seen with a list of proxies that is newer than the last loss. */
  #listedAt = Number.NEGATIVE_INFINITY;
  /** True times at which each scheduler read the proxies. */
  readonly #lists = new Map<Process, number[]>();

  constructor(
    world: World,
    read: ReadStore,
    records: Records,
    proxies: readonly SimulatedProxy[],
    availability: Availability,
  ) {
    this.#world = world;
    this.#read = read;
    this.#records = records;
    this.#proxies = proxies;
    this.#availability = availability;
  }

  storeLost(): void {
    this.#lostAt = this.#world.now;
    this.#listedAt = Number.POSITIVE_INFINITY;
  }

  /** The store has run a script of this process. */
  carriedOut(process: Process, { script, id: kind }: ScriptRun): void {
    if (script !== 'nodes' || kind !== 'proxy') return;
    const reads = this.#lists.get(process) ?? [];
    reads.push(this.#world.now);
    this.#lists.set(process, reads);
  }

  /** The answer to a question for the addresses of a backend, or of the domain itself. */
  answered(dns: SimulatedDns, id: string | undefined, { rcode, answers }: Answer): void {
    const addresses = answers.flatMap((record) => (record.type === 'A' ? record.address : []));
    this.#world.count('names-asked');
    if (rcode === RCODE.NOERROR && addresses.length > 0) this.#named(dns, addresses);
    else if (rcode === RCODE.NXDOMAIN) this.#world.count('names-unknown');
    else this.#failed(dns, id, rcode);
    if (id === undefined) return;
    const readAt = this.#readAt(dns, id);
    const isThere = this.#isThere(id, readAt);
    if (rcode === RCODE.NXDOMAIN && isThere) this.#violate(dns, `does not know ${id}, which is placed`);
    if (addresses.length > 0 && isThere === false)
      this.#violate(dns, `names addresses of ${id}, which has ended or never was`);
  }

  #violate({ name }: SimulatedDns, message: string): void {
    this.#world.violate('names', `${name} ${message}`);
  }

  /**
   * True time for which dns knows the row, or its absence, from the store. A table counts as read while entries of the log are
   * under way, which takes no longer than the slowest message.
   */
  #readAt({ routes, process }: SimulatedDns, id: string): number {
    const { now } = this.#world;
    const age = process && routes ? process.clock.now() - routes.asOf(id) : Number.POSITIVE_INFINITY;
    const lookedAt = process ? now - process.machine.trueTime(age) : Number.NEGATIVE_INFINITY;
    const readAt = lookedAt - LONGEST_DELAY.bad;
    return this.#availability.judges ? Math.max(readAt, now - BOUNDS.news) : readAt;
  }

  /** Whether the store had the route at this time, as far as no loss is in between; undefined if that is not known. */
  #isThere(id: string, readAt: number): boolean | undefined {
    const endedAt = this.#records.endedAt(id);
    if (endedAt !== undefined) return endedAt < readAt && endedAt > this.#lostAt ? false : undefined;
    if (this.#records.isPlaced(id, this.#lostAt)) return undefined;
    if (this.#records.isPlaced(id, readAt)) return true;
    return this.#records.isPlaced(id, this.#world.now) ? undefined : false;
  }

  /** No address was given for a name that exists. */
  #failed(dns: SimulatedDns, id: string | undefined, rcode: number): void {
    const { zone } = dns;
    if (zone?.complete && zone.proxies.length > 0)
      this.#violate(dns, `answered ${rcode} for ${id}, and knows ${zone.proxies.length} proxies`);
    if (this.#availability.judges) this.#violate(dns, `answered ${rcode} for ${id} in a healed world`);
  }

  #named(dns: SimulatedDns, addresses: readonly string[]): void {
    this.#world.count('names-answered');
    const listedAt = this.#listed(dns);
    if (listedAt > this.#lostAt) this.#listedAt = Math.min(this.#listedAt, this.#world.now);
    for (const address of addresses) {
      const wrong = this.#whyNot(address, listedAt);
      if (wrong) this.#violate(dns, `names ${address}, ${wrong}`);
    }
    const missing = this.#proxies.find(({ address }) => !addresses.includes(address));
    if (missing && listedAt > this.#availability.since) this.#violate(dns, `does not name ${missing.name}`);
  }

  /**
   * True time since which dns has had a list of proxies that is no older. A scheduler answers a renewal with the last list that
   * it has read. A read that it has sent may still be under way, so the one before it counts.
   */
  #listed({ members, process }: SimulatedDns): number {
    if (!process || !members) return Number.NEGATIVE_INFINITY;
    const renewedAt = this.#world.now - process.machine.trueTime(members.renewalAge);
    const listedAt = [...this.#lists].map(([scheduler, reads]) => {
      // A renewal from before its crash may have got its list, which it may have read before a pause.
      if (renewedAt > scheduler.crashedAt) return renewedAt;
      return reads[reads.findLastIndex((at) => at < renewedAt) - 1] ?? Number.NEGATIVE_INFINITY;
    });
    return Math.min(renewedAt, ...listedAt);
  }

  /** Why an address must not be named by a server whose list of proxies is of this time; undefined if it may be. */
  #whyNot(address: string, listedAt: number): string | undefined {
    const id = this.#proxies.map((proxy) => proxy.idAt(address)).find((each) => each !== undefined);
    if (id === undefined) return 'which is the address of no proxy';
    const { now } = this.#world;
    const renewal = this.#read(['HGET', KEYS.renewals, `proxy/${id}`]) as string | null;
    if (listedAt <= this.#lostAt || now - listedAt > OLDEST_LIST_MS) return undefined;
    if (renewal === null) return now - this.#listedAt > LOST_MS ? `of ${id}, which is forgotten` : undefined;
    const silent = Number(this.#read(['HGET', KEYS.clock, 'now'])) - Number(renewal);
    const most = DEADLINES.renewalsMissed + FASTEST * (now - listedAt) + CLOCK_GAIN_MS;
    return silent > most ? `of ${id}, which has not renewed for ${silent} ms` : undefined;
  }
}
