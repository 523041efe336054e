import type { Keys } from './keys.ts';
import type { Redis, RedisReply } from './redis.ts';
import type { LogPosition } from './replica.ts';
import type { LogEntry } from './route-follower.ts';
import { decodeRow, type TableRow } from './route-row.ts';
import { runScript } from './scripts/define-script.ts';
import { SCRIPTS } from './scripts/table.ts';

/** At most so many rows or entries in one reply. */
const PAGE = '1000';
/** How long a read of the log waits for an entry. */
const READ_BLOCK_MS = 5_000;

/** The position of the log's last entry; zeros if there is no log. */
export async function readHead(redis: Redis, keys: Keys): Promise<LogPosition> {
  const [epoch, n] = (await redis.send(['HMGET', keys.routeHead, 'epoch', 'n'])) as (Buffer | null)[];
  return { epoch: Number(epoch?.toString() ?? 0), n: Number(n?.toString() ?? 0) };
}

/** The whole table, page by page: a row that changes meanwhile comes in either version. */
export async function readTable(
  redis: Redis,
  keys: Keys,
  keeps: (id: string) => boolean,
): Promise<Map<string, TableRow>> {
  const rows = new Map<string, TableRow>();
  let cursor = '0';
  do {
    const command = ['HSCAN', keys.routes, cursor, 'COUNT', PAGE];
    const [next, page] = (await redis.send(command)) as [Buffer, Buffer[]];
    cursor = next.toString();
    for (let at = 0; at + 1 < page.length; at += 2) {
      const id = String(page[at]);
      const row = keeps(id) ? decodeRow(id, page[at + 1] as Buffer) : undefined;
      if (row) rows.set(id, row);
    }
  } while (cursor !== '0');
  return rows;
}

/** The next entries after a position. Waits for one up to 5 s; `blocking` is therefore a connection of its own. */
export async function readLog(
  blocking: Redis,
  keys: Keys,
  { epoch, n }: LogPosition,
): Promise<readonly LogEntry[]> {
  const options = ['COUNT', PAGE, 'BLOCK', String(READ_BLOCK_MS)];
  const command = ['XREAD', ...options, 'STREAMS', keys.routeLog, `${epoch}-${n}`];
  return entriesOf(await blocking.send(command, { timeoutMs: READ_BLOCK_MS + 2_000 }));
}

/** Whether the log still has the entry after a position. */
export async function hasEntryAfter(redis: Redis, keys: Keys, { epoch, n }: LogPosition): Promise<boolean> {
  const next = `${epoch}-${n + 1}`;
  const found = (await redis.send(['XRANGE', keys.routeLog, next, next])) as RedisReply[];
  return found.length > 0;
}

/** The store's answer about a route that a table lacks; `unsure` if it cannot know, or cannot be asked. */
export type Confirmation = ReturnType<typeof SCRIPTS.confirm.reply>;

/** Asks the store about a route, for a table that follows the log of this epoch. Never rejects. */
export function confirmRoute(redis: Redis, keys: Keys, id: string, logEpoch: number): Promise<Confirmation> {
  return runScript(redis, keys, SCRIPTS.confirm, { id, logEpoch }).catch(() => 'unsure');
}

/** XREAD's reply: `[[stream, [[id, [field, value, …]], …]]]`, or null if no entry came. */
function entriesOf(reply: RedisReply): LogEntry[] {
  const stream = Array.isArray(reply) ? reply[0] : null;
  const entries = (Array.isArray(stream) ? stream[1] : null) as [Buffer, Buffer[]][] | null;
  return (entries ?? []).map(([position, fields]) => {
    const [epoch = 0, n = 0] = position.toString().split('-').map(Number);
    // In the order of `put_row` (lua/library/routes.lua).
    const [, id, , rowEpoch, , route] = fields;
    const row = route && route.length > 0 ? decodeRow(String(id), route) : undefined;
    return { at: { epoch, n }, change: { id: String(id), row, epoch: Number(String(rowEpoch ?? 0)) } };
  });
}
