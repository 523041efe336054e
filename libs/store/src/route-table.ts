import type { Clock } from '@spawner/domain';
import type { Log } from '@spawner/service';
import type { Keys } from './keys.ts';
import type { Redis } from './redis.ts';
import { type LogPosition, Replica } from './replica.ts';
import { type LogEntry, type NextStep, RouteFollower } from './route-follower.ts';
import {
  type Confirmation,
  confirmRoute,
  hasEntryAfter,
  readHead,
  readLog,
  readTable,
} from './route-reader.ts';
import { type Route, rowId, type TableRow, type TokenRow } from './route-row.ts';
import { agentRow, droneRow, tokenOfRow, tokenRow } from './rows.ts';

/** A rest between reads: a hundred blocked readers cost Redis 1.3 ms per entry. */
const REST_MS = 5;
const RELOAD_JITTER_MS = 200;
const CONFIRMED_AT_ONCE = 100;

/**
 * Every route of the cluster in memory, following Redis. A look-up never waits. While Redis is away the last known routes
 * remain.
 */
export class RouteTable extends Replica<TableRow> {
  #keepsTokens = false;
  readonly #follower = new RouteFollower(this);
  readonly #listeners = new Set<(id: string, row: TableRow | undefined) => void>();
  readonly #random: () => number;
  #loads = 0;
  #source: { redis: Redis; keys: Keys } | undefined;
  #confirming = 0;

  /** `random` spreads the loads of many replicas over time. Connection tokens are kept only `withTokens`. */
  constructor(random: () => number = Math.random) {
    super((id, row) => {
      for (const listener of this.#listeners) listener(id, row);
    });
    this.#random = random;
  }

  /** A table that has the connection tokens too, which only a proxy needs. */
  static withTokens(): RouteTable {
    const table = new RouteTable();
    table.#keepsTokens = true;
    return table;
  }

  /** The route of a backend. */
  override get(id: string): Route | undefined {
    const row = super.get(id);
    return row?.kind === 'backend' ? row : undefined;
  }

  /** Whether a drone has missed its renewals. Its backends may be gone, and may just as well still run. */
  isSilent(drone: string): boolean {
    return super.get(droneRow(drone)) !== undefined;
  }

  /** The row of a connection token, by its id. */
  token(id: string): TokenRow | undefined {
    const row = super.get(tokenRow(id));
    return row?.kind === 'tokenGrant' || row?.kind === 'revokedToken' ? row : undefined;
  }

  /** `host:port` of a drone's agent; undefined if it is not known. */
  agentOf(drone: string): string | undefined {
    const row = super.get(agentRow(drone));
    return row?.kind === 'agentAddress' ? row.rpcAddress : undefined;
  }

  /** Begins with a copy (`position`, then `rows`), before `follow`. The copy is used until the store replaces it. */
  restore(position: LogPosition, rows: readonly TableRow[]): void {
    this.begin(position, new Map(rows.map((row) => [rowId(row), row])));
  }

  /** Overrides a route with an agent's information, such as an end that the store does not know yet (Replica.override). */
  presume(route: Route): void {
    this.override(route.backendId, route);
  }

  /** Whether the table was ever complete. */
  get loaded(): boolean {
    return this.position !== undefined;
  }

  /** How often the whole table was read. */
  get loads(): number {
    return this.#loads;
  }

  /**
   * Asks the store about a route that the table lacks, because the table may be behind. Each question is one script; at most a
   * hundred run at once. Never rejects.
   */
  async confirm(id: string): Promise<Confirmation> {
    if (this.get(id)) return 'known';
    if (!this.#source || this.#confirming >= CONFIRMED_AT_ONCE) return 'unsure';
    const { redis, keys } = this.#source;
    this.#confirming++;
    const confirmation = await confirmRoute(redis, keys, id, this.position?.epoch ?? 0);
    this.#confirming--;
    return confirmation === 'absent' && this.#follower.isRefilling ? 'unsure' : confirmation;
  }

  /** Calls the listener with the id and the new value of every row that changes or goes, until `close`. */
  onChange(listener: (id: string, row: TableRow | undefined) => void): { close(): void } {
    this.#listeners.add(listener);
    return { close: () => this.#listeners.delete(listener) };
  }

  /** Loads the table and follows it until the signal aborts. Throws if Redis is away; its owner calls it again. */
  async follow(redis: Redis, keys: Keys, clock: Clock, log: Log, signal: AbortSignal): Promise<void> {
    this.#source = { redis, keys };
    await this.#load(redis, keys, clock);
    log.info({ routes: this.size }, 'routes loaded');
    const blocking = await redis.duplicate();
    const leave = () => void blocking.close();
    signal.addEventListener('abort', leave);
    try {
      while (!signal.aborted) {
        const entries = await readLog(blocking, keys, this.position as LogPosition);
        let next = this.#follower.step(
          { kind: 'entries', entries: entries.map((entry) => this.#kept(entry)) },
          clock.now(),
        );
        if (next === 'head') next = await this.#lookAtHead(redis, keys, clock);
        if (next === 'load') {
          log.warn('the route log has a gap or a new beginning; loading the table again');
          await clock.sleep(this.#random() * RELOAD_JITTER_MS, signal);
          await this.#load(redis, keys, clock);
        }
        await clock.sleep(REST_MS, signal);
      }
    } finally {
      signal.removeEventListener('abort', leave);
      await blocking.close();
    }
  }

  async #lookAtHead(redis: Redis, keys: Keys, clock: Clock): Promise<NextStep> {
    const position = this.position as LogPosition;
    const askedAt = clock.now();
    const head = await readHead(redis, keys);
    const hasNext = head.n <= position.n || (await hasEntryAfter(redis, keys, position));
    return this.#follower.step({ kind: 'head', head, hasNext, askedAt }, clock.now());
  }

  async #load(redis: Redis, keys: Keys, clock: Clock): Promise<void> {
    const askedAt = clock.now();
    const position = await readHead(redis, keys);
    if (!this.#follower.accepts(position)) return;
    const rows = await readTable(redis, keys, (id) => this.#keeps(id));
    this.#follower.step({ kind: 'table', position, rows, askedAt }, clock.now());
    this.#loads++;
  }

  /** An entry of a row that is not kept moves the position and changes nothing else. */
  #kept(entry: LogEntry): LogEntry {
    return this.#keeps(entry.change.id) ? entry : { ...entry, change: { ...entry.change, row: undefined } };
  }

  #keeps(id: string): boolean {
    return this.#keepsTokens || tokenOfRow(id) === undefined;
  }
}
