import type { Clock } from '@spawner/domain';
import type { Log } from '@spawner/service';
import { type Confirmation, confirmRoute } from './confirmation.ts';
import type { Keys } from './keys.ts';
import type { Redis, RedisReply } from './redis.ts';
import { Refill } from './refill.ts';
import { type LogPosition, Replica } from './replica.ts';
import { decodeRow, type Route, rowId, type TableRow, type TokenRow } from './route-row.ts';
import { agentRow, droneRow, tokenOfRow, tokenRow } from './rows.ts';

const PAGE = '1000';
const READ_BLOCK_MS = 5_000;
const HEAD_EVERY_MS = 5_000;
/** A rest between reads: a hundred blocked readers cost Redis 1.3 ms per entry. */
const REST_MS = 5;
const RELOAD_JITTER_MS = 200;
const CONFIRMED_AT_ONCE = 100;

/**
 * Every route of the cluster in memory, following Redis. Look-ups never wait for anything; while
 * Redis is away the last known routes stay.
 */
export class RouteTable {
  #keepsTokens = false;
  readonly #replica: Replica<TableRow>;
  readonly #listeners = new Set<(id: string, row: TableRow | undefined) => void>();
  readonly #random: () => number;
  #loads = 0;
  #source: { redis: Redis; keys: Keys } | undefined;
  #confirming = 0;
  /** While a store that lost everything is being filled again. */
  #refill: Refill | undefined;
  /** Clock time at which the table was last seen to be in step with the store; and of the rows that only an earlier log told of. */
  #asOf = Number.NEGATIVE_INFINITY;
  #unconfirmedAsOf = Number.NEGATIVE_INFINITY;

  /** `random` spreads the loads of many replicas over time. Connection tokens are kept only `withTokens`. */
  constructor(random: () => number = Math.random, Table: typeof Replica = Replica) {
    this.#random = random;
    this.#replica = new Table<TableRow>((id, row) => {
      for (const listener of this.#listeners) listener(id, row);
    });
  }

  /** A table that has the connection tokens too, which only a proxy needs. */
  static withTokens(): RouteTable {
    const table = new RouteTable();
    table.#keepsTokens = true;
    return table;
  }

  /** The route of a backend. */
  get(id: string): Route | undefined {
    const row = this.#replica.get(id);
    return row?.kind === 'backend' ? row : undefined;
  }

  /** Whether a drone has missed its renewals: what it runs may be gone, and may just as well be there. */
  isSilent(drone: string): boolean {
    return this.#replica.get(droneRow(drone)) !== undefined;
  }

  /** The row of a connection token, by its id. */
  token(id: string): TokenRow | undefined {
    const row = this.#replica.get(tokenRow(id));
    return row?.kind === 'token-grant' || row?.kind === 'revoked-token' ? row : undefined;
  }

  /** `host:port` of a drone's agent; undefined if it is not known. */
  agentOf(drone: string): string | undefined {
    const row = this.#replica.get(agentRow(drone));
    return row?.kind === 'agent-address' ? row.rpcAddress : undefined;
  }

  /** Clock time at which the store last stood behind a row as it is here; infinitely long ago for one that only a kept copy has. */
  asOf(id: string): number {
    return this.#replica.isUnconfirmed(id) ? this.#unconfirmedAsOf : this.#asOf;
  }

  /** Where the table stands in the log; nothing before it is loaded. */
  get position(): LogPosition | undefined {
    return this.#replica.position;
  }

  /** Every row; one that is changed meanwhile may come as it was or as it is. */
  rows(): IterableIterator<TableRow> {
    return this.#replica.rows();
  }

  /** Begins with a copy that was kept (`position`, then `rows`), before `follow`: it is used until the store says otherwise. */
  restore(position: LogPosition, rows: readonly TableRow[]): void {
    this.#replica.restore(position, new Map(rows.map((row) => [rowId(row), row])));
  }

  /** Takes an agent's word for a route, until the store tells of that anew: an end that it has not heard of yet is one. */
  presume(route: Route): void {
    this.#replica.presume(route.backendId, route);
  }

  /** Of all rows: drones that are silent or have an agent, and connection tokens, have theirs too. */
  get size(): number {
    return this.#replica.size;
  }

  /** Whether the table was ever complete. */
  get loaded(): boolean {
    return this.#replica.position !== undefined;
  }

  /** How often the table was read whole. */
  get loads(): number {
    return this.#loads;
  }

  /**
   * Asks the store about a route that the table lacks: the table may be behind. Costs the store one script, of
   * which at most a hundred are under way; never rejects.
   */
  async confirm(id: string): Promise<Confirmation> {
    if (this.get(id)) return 'known';
    if (!this.#source || this.#confirming >= CONFIRMED_AT_ONCE) return 'unsure';
    const { redis, keys } = this.#source;
    this.#confirming++;
    const confirmation = await confirmRoute(redis, keys, id, this.#replica.position?.epoch ?? 0);
    this.#confirming--;
    // What a store that lost everything does not have may be written anew.
    return confirmation === 'absent' && this.#refill ? 'unsure' : confirmation;
  }

  /** Calls the listener with the id and the new value of every row that changes or goes, until `close`. */
  onChange(listener: (id: string, row: TableRow | undefined) => void): { close(): void } {
    this.#listeners.add(listener);
    return { close: () => this.#listeners.delete(listener) };
  }

  /** Loads and follows until the signal aborts; throws when Redis is away, to be called again by its owner. */
  async follow(redis: Redis, keys: Keys, clock: Clock, log: Log, signal: AbortSignal): Promise<void> {
    this.#source = { redis, keys };
    await this.#load(redis, keys, clock);
    log.info({ routes: this.size }, 'routes loaded');
    const blocking = await redis.duplicate();
    const leave = () => void blocking.close();
    signal.addEventListener('abort', leave);
    try {
      let headAt = clock.now() + HEAD_EVERY_MS;
      while (!signal.aborted) {
        const position = this.#replica.position as LogPosition;
        const entries = entriesOf(await readLog(blocking, keys, position));
        const inStep = entries.every(({ at, change }) =>
          this.#replica.apply(at, this.#keeps(change.id) ? change : { ...change, row: undefined }),
        );
        for (const { change } of entries) this.#refill?.changed(change.id, clock.now());
        const headDue = clock.now() >= headAt;
        if (headDue) headAt = clock.now() + HEAD_EVERY_MS;
        const refilled = this.#refill !== undefined && clock.now() >= this.#refill.lookAt;
        if (!inStep || refilled || (headDue && !(await this.#headAgrees(redis, keys, clock)))) {
          log.warn('the route log has a gap or a new beginning; loading again');
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

  async #headAgrees(redis: Redis, keys: Keys, clock: Clock): Promise<boolean> {
    const before = this.#replica.position;
    const asked = clock.now();
    const head = await readHead(redis, keys);
    if (head.epoch === 0) return true;
    // Ahead is right while entries are on their way, but not if the next one is no longer there.
    const agrees =
      this.#replica.agrees(head) && !(head.n > (before?.n ?? 0) && (await logLacks(redis, keys, before)));
    if (agrees) this.#asOf = asked;
    return agrees;
  }

  async #load(redis: Redis, keys: Keys, clock: Clock): Promise<void> {
    const asked = clock.now();
    const position = await readHead(redis, keys);
    const before = this.#replica.position;
    // A store that was emptied says nothing of the sessions that run: what is known stays until it is written anew,
    if (before && position.epoch === 0) return;
    // So it does while one that went back in its own log, an older copy, is not taken for a new one by those who write.
    if (before && position.epoch === before.epoch && position.n < before.n) return;
    // and what is written anew comes drone by drone.
    if (before && before.epoch !== 0 && before.epoch !== position.epoch)
      this.#refill = new Refill(clock.now());
    const rows = new Map<string, TableRow>();
    let cursor = '0';
    do {
      const [next, page] = (await redis.send(['HSCAN', keys.routes, cursor, 'COUNT', PAGE])) as [
        Buffer,
        Buffer[],
      ];
      cursor = next.toString();
      for (let at = 0; at + 1 < page.length; at += 2) {
        const id = String(page[at]);
        const row = this.#keeps(id) ? decodeRow(id, page[at + 1] as Buffer) : undefined;
        if (row) rows.set(id, row);
      }
    } while (cursor !== '0');
    if (before && before.epoch !== position.epoch)
      this.#unconfirmedAsOf = this.#replica.hasUnconfirmed
        ? Math.min(this.#unconfirmedAsOf, this.#asOf)
        : this.#asOf;
    this.#replica.load(position, rows, this.#refill?.keeps(this.#replica.rows(), rows, clock.now()));
    if (this.#refill?.isOver(clock.now())) this.#refill = undefined;
    this.#asOf = asked;
    this.#loads++;
  }

  #keeps(id: string): boolean {
    return this.#keepsTokens || tokenOfRow(id) === undefined;
  }
}

async function readHead(redis: Redis, keys: Keys): Promise<LogPosition> {
  const [epoch, n] = (await redis.send(['HMGET', keys.routeHead, 'epoch', 'n'])) as (Buffer | null)[];
  return { epoch: Number(epoch?.toString() ?? 0), n: Number(n?.toString() ?? 0) };
}

async function readLog(blocking: Redis, keys: Keys, { epoch, n }: LogPosition): Promise<RedisReply> {
  const command = [
    'XREAD',
    'COUNT',
    PAGE,
    'BLOCK',
    String(READ_BLOCK_MS),
    'STREAMS',
    keys.routeLog,
    `${epoch}-${n}`,
  ];
  return blocking.send(command, { timeoutMs: READ_BLOCK_MS + 2_000 });
}

async function logLacks(redis: Redis, keys: Keys, position: LogPosition | undefined): Promise<boolean> {
  if (!position) return true;
  const next = `${position.epoch}-${position.n + 1}`;
  const found = (await redis.send(['XRANGE', keys.routeLog, next, next])) as RedisReply[];
  return found.length === 0;
}

/** XREAD's reply: [[stream, [[id, [field, value, …]], …]]], or a flat map in RESP3; null when nothing came. */
function entriesOf(reply: RedisReply) {
  const stream = Array.isArray(reply) ? reply[0] : null;
  const entries = (Array.isArray(stream) ? stream[1] : null) as [Buffer, Buffer[]][] | null;
  return (entries ?? []).map(([position, fields]) => {
    const [epoch = 0, n = 0] = position.toString().split('-').map(Number);
    const values = new Map<string, Buffer>();
    for (let at = 0; at + 1 < fields.length; at += 2)
      values.set(String(fields[at]), fields[at + 1] as Buffer);
    const bytes = values.get('route');
    const id = String(values.get('id'));
    const row = bytes && bytes.length > 0 ? decodeRow(id, bytes) : undefined;
    const change = { id, row, epoch: Number(String(values.get('epoch') ?? 0)) };
    return { at: { epoch, n }, change };
  });
}
