import { AppError, systemClock } from '@spawner/domain';
import { BackendStatus, InventoryEntry, SpecSummary } from '@spawner/proto/internal/backend_status';
import { Node, NodeKind } from '@spawner/proto/internal/node';
import { type StartLoad, StopOrder } from '@spawner/proto/internal/scheduler_service';
import { EndReason } from '@spawner/proto/v1/backend';
import { confirmRoute, keysOf, type Redis, type RedisReply, SCRIPTS, StoreEpoch } from '@spawner/store';
import { testLog } from '@spawner/testkit';
import { createMetrics } from '../../services/scheduler/src/metrics.ts';
import { BackendStore } from '../../services/scheduler/src/store/backend-store.ts';
import { NodeStore } from '../../services/scheduler/src/store/node-store.ts';
import { Replication } from '../../services/scheduler/src/store/replication.ts';
import { SuspensionStore } from '../../services/scheduler/src/store/suspension-store.ts';
import { TokenStore } from '../../services/scheduler/src/store/token-store.ts';
import type { ReplaceableStore, Survivor } from './memory-redis-stores.ts';

export const keys = keysOf('test');
/** Ahead of every clock, so that a tick is the last one plus one on both sides. */
const TICK = '9000000000000000';
const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1);

/** A store behind the classes that use it. Two of them are compared. */
export class Side {
  readonly redis: Redis;
  readonly nodes: NodeStore;
  readonly backends: BackendStore;
  /** Waits for a replica that does not exist. */
  readonly replicated: BackendStore;
  readonly suspensions: SuspensionStore;
  readonly tokens: TokenStore;
  /** The last registrations, so that later calls can name them. */
  readonly registrations = new Map<string, number>();
  readonly epochs = new Map<string, number>();

  readonly #store: ReplaceableStore;
  readonly #epoch: StoreEpoch;

  constructor(store: ReplaceableStore) {
    this.#store = store;
    const { redis } = store;
    this.redis = redis;
    // Begins by itself with the first script, and again after each loss.
    const log = testLog();
    const epoch = new StoreEpoch({ redis, keys, log, emptyStore: 'new' });
    this.#epoch = epoch;
    const replication = new Replication(redis, epoch, 0);
    this.nodes = new NodeStore({ redis, keys, epoch });
    this.backends = new BackendStore({ redis, keys, epoch, replication });
    const waiting = new Replication(impatient(redis), epoch, 1);
    this.replicated = new BackendStore({ redis, keys, epoch, replication: waiting });
    this.suspensions = new SuspensionStore({ epoch, metrics: createMetrics() });
    const clock = { ...systemClock, wall: () => new Date(0) };
    this.tokens = new TokenStore({ redis, keys, epoch, store: this.backends, clock });
  }

  async empty(): Promise<void> {
    await this.redis.send(['FLUSHALL']);
    await this.redis.send(['SET', keys.tick, TICK]);
  }

  keepCopy() {
    return this.#store.keepCopy();
  }

  replace(survivor: Survivor) {
    return this.#store.replace(survivor);
  }

  /** Asks about a route for a replica that follows the store's log, or another one. */
  async confirm(id: string, stale: boolean) {
    const head = Number(await this.redis.send(['HGET', keys.routeHead, 'epoch']));
    return confirmRoute(this.redis, keys, id, head - (stale ? 1 : 0));
  }

  async register(node: Node, sequence?: number): Promise<number> {
    const registration = await this.nodes.register(node, 0, sequence);
    this.registrations.set(node.id, registration);
    return registration;
  }

  /** The present registration of a node, or an older one. */
  registration(id: string, stale: boolean): number {
    return (this.registrations.get(id) ?? 7) - (stale ? 1 : 0);
  }

  async renew(kind: NodeKind, id: string, stale: boolean, starts?: StartLoad) {
    const { granted, stops } = await this.nodes.renew(kind, id, this.registration(id, stale), starts);
    return { granted, stops: stops.sort(byId) };
  }

  report(id: string, drone: string, state: number, revision: number, stale: boolean) {
    return this.backends.report(drone, this.registration(drone, stale), statusOf(id, state, revision));
  }

  restore(id: string, drone: string, state: number, placement: number, key: string | undefined) {
    const entry = InventoryEntry.fromPartial({
      status: statusOf(id, state, 3),
      spec: SpecSummary.fromPartial({ cpuMillis: 700, memoryBytes: 1e9, image: 'image' }),
      createTime: new Date(1_700_000_000_000),
      placement: placement + Number(TICK),
      key: key === undefined ? undefined : { namespace: 'n', name: key },
    });
    return this.backends.restore(drone, this.registration(drone, false), {
      ...entry,
      status: entry.status as BackendStatus,
    });
  }

  async abandon(id: string, when: 'unreported' | 'any', silentMs: number, by: 'anybody' | 'now' | 'before') {
    const record = await this.backends.get(id);
    if (!record) return undefined;
    const registration = by === 'anybody' ? 0 : this.registration(record.drone, by === 'before');
    const only = { silentMs, registration };
    return this.backends.abandon(
      record,
      when,
      { reason: EndReason.DRONE_LOST, detail: 'gone', now: new Date(0) },
      only,
    );
  }

  handed(id: string) {
    return this.backends.handed(id, { placeMs: 1, handOverMs: 2 });
  }

  stop(id: string, force: boolean) {
    return this.backends.stop(StopOrder.fromPartial({ id, force, reason: EndReason.REQUESTED }));
  }

  async suspend(id: string, drone: string, stale: boolean) {
    const answer = await this.suspensions.suspend(id, drone, this.registration(drone, stale));
    if (answer.suspended) this.epochs.set(id, answer.epoch);
    return { ...answer, proxies: answer.proxies.sort(byId) };
  }

  settle(id: string, end: boolean, wrong: boolean) {
    return this.suspensions.settle(id, (this.epochs.get(id) ?? 5) + (wrong ? 1 : 0), end);
  }

  /** Advances the cluster clock by 2 s, the most that one sweep may, or not at all. */
  async sweep(advances: boolean) {
    // A new epoch writes the time of its opening as the last advance, so it must begin before.
    await this.#epoch.run(SCRIPTS.drawTick, { given: 0 });
    await this.redis.send(['HSET', keys.clock, 'last', advances ? '0' : TICK]);
    const due = await this.nodes.sweep();
    await this.redis.send(['HSET', keys.clock, 'last', '0']);
    return due;
  }
}

/** WAIT gives up after a millisecond, because no replica will ever confirm anything. */
function impatient(redis: Redis): Redis {
  const send: Redis['send'] = (command, options) =>
    redis.send(command[0] === 'WAIT' ? ['WAIT', '1', '1'] : command, options);
  return { ...redis, ready: true, send };
}

function statusOf(id: string, state: number, revision: number): BackendStatus {
  return BackendStatus.fromPartial({
    id,
    state: state as BackendStatus['state'],
    revision,
    local: { host: '10.0.0.2', port: 8080 },
    network: revision % 2 === 0 ? { host: '192.0.2.9', port: 30_000 } : undefined,
  });
}

/** Lua tells which variable a wrong value came from. */
const NAMED_VALUE = /\w+ '[^']*' \(a (\w+) value\)/;

/** A step that is taken on both sides. */
export interface Step {
  readonly name: string;
  readonly take: (side: Side) => Promise<unknown>;
}

/** The result of a call, or its error, in a form that can be compared. */
export async function outcome(work: () => Promise<unknown>): Promise<unknown> {
  try {
    return readable(await work());
  } catch (error) {
    // An AppError of the connection has the server's error as its cause.
    const said = (error instanceof AppError ? (error.cause ?? error) : error) as Error;
    return { error: said.message.replace(NAMED_VALUE, 'a $1 value') };
  }
}

/** Everything that a store holds, key by key. */
export async function dump(redis: Redis): Promise<Record<string, unknown>> {
  // Redis's own time of the last advance differs on the two sides.
  await redis.send(['HSET', keys.clock, 'last', '0']);
  const names = ((await redis.send(['KEYS', '*'])) as Buffer[]).map(String).sort();
  const all: Record<string, unknown> = {};
  for (const name of names) {
    const type = String(await redis.send(['TYPE', name]));
    all[name] = [type, readable(await redis.send(READ[type]?.(name) ?? ['GET', name]), type)];
  }
  return all;
}

const READ: Record<string, (name: string) => string[]> = {
  hash: (name) => ['HGETALL', name],
  set: (name) => ['SMEMBERS', name],
  zset: (name) => ['ZRANGE', name, '0', '-1', 'WITHSCORES'],
  stream: (name) => ['XRANGE', name, '-', '+'],
};

/** Sorts hashes and sets, whose order Redis leaves open. */
function readable(value: unknown, type = ''): unknown {
  if (Buffer.isBuffer(value)) return value.toString('latin1');
  if (!Array.isArray(value)) return value;
  const list = value.map((each) => readable(each));
  if (type === 'set') return list.sort();
  if (type !== 'hash') return list;
  const pairs = list.flatMap((field, at) => (at % 2 === 0 ? [`${field} = ${list[at + 1]}`] : []));
  return pairs.sort();
}

/** Commands whose reply has no order, each with the type that its reply is compared as. */
const UNORDERED: Record<string, string> = {
  HGETALL: 'hash',
  HKEYS: 'set',
  HVALS: 'set',
  SMEMBERS: 'set',
  KEYS: 'set',
};

export async function plain(redis: Redis, command: readonly string[]): Promise<unknown> {
  const reply: RedisReply = await redis.send(command);
  if (command[0] === 'HSCAN') return readable((reply as RedisReply[])[1], 'hash');
  return readable(reply, UNORDERED[command[0] ?? '']);
}

export { Node, NodeKind, SpecSummary };
