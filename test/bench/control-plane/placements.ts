/**
 * Placements by the scheduler's own store code, one round trip to Redis each, with a number of drones. Beside it, Redis's benchmark
 * program calls the same script and does nothing else.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { mapBounded, newBackendId } from '@spawner/domain';
import { SpecSummary } from '@spawner/proto/internal/backend_status';
import { Node, NodeKind } from '@spawner/proto/internal/node';
import { createLog } from '@spawner/service';
import { keysOf, openRedis, SCRIPTS, StoreEpoch } from '@spawner/store';
import { startRedis } from '@spawner/testkit';
import { BackendStore } from '../../../services/scheduler/src/store/backend-store.ts';
import { NodeStore } from '../../../services/scheduler/src/store/node-store.ts';
import { Replication } from '../../../services/scheduler/src/store/replication.ts';
import { processTimeMs } from '../process-time.ts';
import { percentile, rounded } from '../statistics.ts';

/** Enough to keep Redis busy, and few enough that calls do not queue. */
const AT_ONCE = 8;
const KEYS = keysOf('bench');

export interface PlacementFigures {
  perSecond: number;
  p50: number;
  p99: number;
  /** Processor time per placement, in microseconds. */
  scheduler: number;
  redis: number;
  /** The script alone, per second. */
  bare: number;
}

/** So many placements are measured, after a tenth of them to warm up. */
export async function placements(droneCount: number, count: number): Promise<PlacementFigures> {
  await using stack = new AsyncDisposableStack();
  const redis = stack.use(await startRedis());
  const log = createLog('bench', 'silent');
  const store = await openRedis(redis.url, log);
  stack.defer(() => store.close());
  const epoch = new StoreEpoch({ redis: store, keys: KEYS, log, emptyStore: 'new' });
  const replication = await Replication.open(store, epoch, 0);
  stack.defer(() => replication.close());
  const nodes = new NodeStore({ redis: store, keys: KEYS, epoch });
  await registerDrones(nodes, droneCount);
  const backends = new BackendStore({ redis: store, keys: KEYS, epoch, replication });
  const summary = SpecSummary.fromPartial({
    image: 'registry.example.com/team/app:1',
    cpuMillis: 100,
    memoryBytes: 2 ** 20,
  });
  const place = async (number: number) => {
    const key = { namespace: 'rooms', name: `room-${number}`, tag: '' };
    const began = performance.now();
    const { outcome } = await backends.place({
      ...{ id: newBackendId(randomBytes), summary, created: new Date(), key, repeated: false },
    });
    if (outcome !== 'placed') throw new Error(`a placement ended as ${outcome}`);
    return performance.now() - began;
  };
  const numbers = Array.from({ length: Math.round(1.1 * count) }, (_, index) => index);
  await mapBounded(numbers.slice(count), AT_ONCE, place);
  const before = [processTimeMs(process.pid), processTimeMs(redis.pid())] as const;
  const began = performance.now();
  const took = await mapBounded(numbers.slice(0, count), AT_ONCE, place);
  const seconds = (performance.now() - began) / 1_000;
  const used = (pid: number, since: number) => rounded(((processTimeMs(pid) - since) * 1_000) / count, 0);
  return {
    perSecond: rounded(count / seconds, 0),
    p50: rounded(percentile(took, 0.5), 2),
    p99: rounded(percentile(took, 0.99), 2),
    scheduler: used(process.pid, before[0]),
    redis: used(redis.pid(), before[1]),
    bare: await bareScript(redis.port, String(await loaded(store)), epoch.current, count),
  };
}

async function registerDrones(nodes: NodeStore, count: number): Promise<void> {
  const drones = Array.from({ length: count }, (_, index) =>
    Node.fromPartial({
      kind: NodeKind.DRONE,
      id: `drone-${index}`,
      rpcAddress: '127.0.0.1:1',
      cpuMillis: 2 ** 40,
      memoryBytes: 2 ** 50,
      backends: 2 ** 20,
    }),
  );
  await mapBounded([...drones.entries()], 64, async ([index, node]) => {
    const registration = await nodes.register(node);
    await nodes.admit(node.id, registration);
    // Queues of different lengths, so that the least loaded drone is often not the soonest.
    const starts = { places: 2, pending: index % 7, room: 2 ** 20, startMs: 500 + (index % 3) * 100 };
    await nodes.renew(node.kind, node.id, registration, starts);
  });
}

function loaded(store: Awaited<ReturnType<typeof openRedis>>) {
  return store.send(['SCRIPT', 'LOAD', SCRIPTS.place.source]);
}

/** Placements per second of `redis-benchmark`, without keys and with the shortest arguments. */
async function bareScript(port: number, sha: string, epoch: number, count: number): Promise<number> {
  const none = Buffer.alloc(0);
  const args = SCRIPTS.place.encode({
    ...{ id: 'bare-__rand_int__', cpuMillis: 100, memoryBytes: 2 ** 20, facts: none, route: none },
    ...{
      staleMs: 6_000,
      reservationMs: 10_000,
      key: undefined,
      repeated: false,
      access: 1,
      pages: undefined,
    },
  });
  const { stdout } = await promisify(execFile)('redis-benchmark', [
    ...['-p', String(port), '-n', String(count), '-c', String(AT_ONCE), '-r', '1000000000', '-q', '--csv'],
    ...['EVALSHA', sha, '1', KEYS.epoch, ...args.map(String), String(epoch)],
  ]);
  const line = stdout.trim().split('\n').at(-1) ?? '';
  const perSecond = Number(/","?([\d.]+)"/.exec(line)?.[1]);
  if (!(perSecond > 0)) throw new Error(`redis-benchmark printed: ${stdout}`);
  return rounded(perSecond, 0);
}
