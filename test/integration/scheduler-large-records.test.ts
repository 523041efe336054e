/** Records that are large, because their programs had much to say at the end: a list of them still reaches its caller. */
import { randomBytes } from 'node:crypto';
import { newBackendId } from '@spawner/domain';
import { BackendState } from '@spawner/proto/v1/backend';
import { ListBackendsResponse } from '@spawner/proto/v1/backend_service';
import { type Nats, type Redis, startNats, startRedis } from '@spawner/testkit';
import { scene } from './scheduler-scene.ts';

/** What clients of gRPC take by default. */
const CLIENTS_TAKE = 4 * 1024 * 1024;

describe('a list of large records', () => {
  let redis: Redis;
  let nats: Nats;
  beforeAll(async () => {
    [redis, nats] = await Promise.all([startRedis(), startNats()]);
  });
  afterAll(async () => {
    await redis?.stop();
    await nats?.stop();
  });

  it('comes in pages that any client takes, and is whole', async () => {
    await using at = await scene(redis, nats);
    const a = await at.drone('a', { capacity: { backends: 100 } });
    const ids = Array.from({ length: 20 }, () => newBackendId(randomBytes));
    for (const id of ids) {
      await at.spawn({ id, spec: { image: 'app' } });
      const lastLogs = Array(20).fill('x'.repeat(60_000));
      await a.renew({ id, state: BackendState.TERMINATED, revision: 4, lastLogs });
    }
    const found: string[] = [];
    for (let pageToken = ''; ; ) {
      const query = { pageSize: 100, pageToken, states: [], droneId: '', labels: {} };
      const answer = await at.scheduler.listBackends(query);
      expect(ListBackendsResponse.encode(answer).finish().length).toBeLessThan(CLIENTS_TAKE);
      found.push(...answer.backends.map((backend) => backend.id));
      pageToken = answer.nextPageToken;
      if (pageToken === '') break;
    }
    expect(found).toEqual(ids.reverse());
  });
});
