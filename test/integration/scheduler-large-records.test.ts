/** Records with long last lines: lists and inventories of them exceed the default message size of gRPC. */
import { randomBytes } from 'node:crypto';
import { newBackendId } from '@spawner/domain';
import { InventoryEntry } from '@spawner/proto/internal/backend_status';
import { BackendState } from '@spawner/proto/v1/backend';
import { ListBackendsResponse } from '@spawner/proto/v1/backend_service';
import { type Nats, type Redis, startNats, startRedis } from '@spawner/testkit';
import { scene } from './scheduler-scene.ts';

/** The default limit of a gRPC client or server for one message, in bytes. */
const DEFAULT_LIMIT = 4 * 1024 * 1024;

describe('large records', () => {
  let redis: Redis;
  let nats: Nats;
  beforeAll(async () => {
    [redis, nats] = await Promise.all([startRedis(), startNats()]);
  });
  afterAll(async () => {
    await redis?.stop();
    await nats?.stop();
  });

  it('are listed completely, in pages that every client accepts', async () => {
    await using at = await scene(redis, nats);
    const a = await at.drone('a', { capacity: { backends: 100 } });
    const ids = Array.from({ length: 20 }, () => newBackendId(randomBytes));
    for (const id of ids) {
      await at.spawn({ id, spec: { image: 'app' } });
      const lastLogs = Array(20).fill('x'.repeat(60_000));
      await a.renew({ id, state: BackendState.TERMINATED, revision: 4, lastLogs });
    }
    const before = await reads(at.store);
    const found: string[] = [];
    for (let pageToken = ''; ; ) {
      const query = { pageSize: 100, pageToken, states: [], droneId: '', labels: {} };
      const answer = await at.scheduler.listBackends(query);
      expect(ListBackendsResponse.encode(answer).finish().length).toBeLessThan(DEFAULT_LIMIT);
      found.push(...answer.backends.map((backend) => backend.id));
      pageToken = answer.nextPageToken;
      if (pageToken === '') break;
    }
    expect(found).toEqual(ids.reverse());
    // All records that are left would take Redis and the scheduler too long for each page.
    expect((await reads(at.store)) - before).toBeLessThan(6 * ids.length);
  });

  it('are accepted in an inventory that is larger than the default limit', async () => {
    await using at = await scene(redis, nats);
    const a = await at.drone('a');
    const lastLogs = Array(20).fill('x'.repeat(400));
    const inventory = Array.from({ length: 600 }, () =>
      InventoryEntry.fromPartial({
        status: { id: newBackendId(randomBytes), state: BackendState.TERMINATED, revision: 4, lastLogs },
      }),
    );
    const bytes = inventory.reduce((sum, entry) => sum + InventoryEntry.encode(entry).finish().length, 0);
    expect(bytes).toBeGreaterThan(DEFAULT_LIMIT);
    const { ended } = await a.register(...inventory);
    expect(new Set(ended)).toEqual(new Set(inventory.map(({ status }) => status?.id)));
  });
});

/** How often Redis has been asked for fields of a record so far. */
async function reads(store: Awaited<ReturnType<typeof scene>>['store']): Promise<number> {
  const stats = String(await store.send(['INFO', 'commandstats']));
  return Number(/cmdstat_hmget:calls=(\d+)/.exec(stats)?.[1]);
}
