import { createLog } from '@spawner/service';
import { crankedClock } from '@spawner/testkit';
import { keysOf } from './keys.ts';
import type { Redis, RedisReply } from './redis.ts';
import { encodeRow, newRoute } from './route-row.ts';
import { RouteTable } from './route-table.ts';

/** How late a proxy may learn of a change, in milliseconds (docs/benchmarks.md). */
const CHANGE_BUDGET_MS = 20;

const bytes = (text: unknown) => Buffer.from(String(text));

/** A store whose table is empty at first, and whose log grows by `change`. */
class LoggingStore implements Redis {
  readonly ready = true;
  #entries: RedisReply[] = [];
  #read: ((reply: RedisReply) => void) | undefined;
  #n = 0;

  change(id: string): void {
    this.#n++;
    const row = encodeRow(newRoute({ backendId: id, epoch: this.#n }));
    const fields = ['id', id, 'epoch', this.#n, 'route', row];
    this.#entries.push([
      bytes(`1-${this.#n}`),
      fields.map((field) => (Buffer.isBuffer(field) ? field : bytes(field))),
    ]);
    this.#answer();
  }

  async send([name]: readonly (string | Buffer)[]): Promise<RedisReply> {
    if (name === 'HMGET') return [bytes(1), bytes(this.#n)];
    if (name === 'HSCAN') return [bytes(0), []];
    if (name !== 'XREAD') throw new Error(`${name} is not expected`);
    return new Promise((resolve) => {
      this.#read = resolve;
      this.#answer();
    });
  }

  async duplicate(): Promise<Redis> {
    return this;
  }

  async close(): Promise<void> {
    this.#read?.(null);
  }

  #answer(): void {
    if (this.#entries.length === 0 || !this.#read) return;
    this.#read([[bytes('log'), this.#entries]]);
    this.#entries = [];
    this.#read = undefined;
  }
}

describe('a route table', () => {
  it('shows every change of a burst within the budget, by its own clock', async () => {
    const clock = crankedClock();
    const store = new LoggingStore();
    const table = new RouteTable();
    const seen = new Map<string, number>();
    table.onChange((id) => seen.set(id, clock.now()));
    const stop = new AbortController();
    const following = table.follow(store, keysOf('test'), clock, createLog('test', 'silent'), stop.signal);
    await clock.advance(0);
    const made = new Map<string, number>();
    for (let change = 0; change < 50; change++) {
      made.set(`b${change}`, clock.now());
      store.change(`b${change}`);
      await clock.advance(3);
    }
    await clock.advance(CHANGE_BUDGET_MS);
    const delays = [...made].map(([id, at]) => (seen.get(id) ?? Number.POSITIVE_INFINITY) - at);
    expect(Math.max(...delays)).toBeLessThanOrEqual(CHANGE_BUDGET_MS);
    stop.abort(new Error('over'));
    await following.catch(() => {});
  });
});
