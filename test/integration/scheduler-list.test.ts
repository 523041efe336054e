/** Lists of backends whose records say much. */
import { randomBytes } from 'node:crypto';
import { newBackendId } from '@spawner/domain';
import { BackendState, EndReason } from '@spawner/proto/v1/backend';
import { ListBackendsResponse } from '@spawner/proto/v1/backend_service';
import { type Nats, type Redis, startNats, startRedis } from '@spawner/testkit';
import { scene } from './scheduler-scene.ts';

const id = () => newBackendId(randomBytes);

describe('the scheduler', () => {
  let redis: Redis;
  let nats: Nats;
  beforeAll(async () => {
    [redis, nats] = await Promise.all([startRedis(), startNats()]);
  });
  afterAll(async () => {
    await redis?.stop();
    await nats?.stop();
  });

  it('lists no more at once than a gRPC client takes, however much the records say', async () => {
    await using scene_ = await scene(redis, nats);
    const a = await scene_.drone('a');
    const ids = Array.from({ length: 10 }, id);
    for (const each of ids) {
      await scene_.spawn({ id: each, spec: { image: 'app' } });
      const end = { state: BackendState.TERMINATED, revision: 1, endReason: EndReason.FAILED };
      await a.renew({ id: each, ...end, lastLogs: ['x'.repeat(1024 * 1024)] });
    }
    const found: string[] = [];
    let pageToken = '';
    for (let pages = 0; pages === 0 || pageToken !== ''; pages++) {
      const query = { pageSize: 1_000, pageToken, states: [], droneId: '', labels: {} };
      const page = await scene_.scheduler.listBackends(query);
      expect(ListBackendsResponse.encode(page).finish().length).toBeLessThan(4 * 1024 * 1024);
      found.push(...page.backends.map((backend) => backend.id));
      pageToken = page.nextPageToken;
    }
    expect(found).toEqual(ids.toReversed());
  });
});
