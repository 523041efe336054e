import { randomBytes } from 'node:crypto';
import { newBackendId } from '@spawner/domain';
import { RouteState } from '@spawner/proto/internal/route';
import { BackendState } from '@spawner/proto/v1/backend';
import { createLog } from '@spawner/service';
import { encodeRow, keysOf, newRoute, openRedis } from '@spawner/store';
import { eventually, request } from '@spawner/testkit';
import { EPOCH } from '../../integration/proxy-fixture.ts';

const AT_ONCE = 1_000;

/** Fills the route table until the proxy has `count` routes. A gap in the log makes it reload the table. */
export async function fillRoutes(redisUrl: string, adminPort: number, count: number): Promise<void> {
  const redis = await openRedis(redisUrl, createLog('bench', 'silent'));
  const keys = keysOf('local');
  const state = { state: RouteState.OPEN, backendState: BackendState.READY, droneId: 'drone-2' };
  for (let done = 0; done < count; done += AT_ONCE) {
    const rows = Array.from({ length: AT_ONCE }, () => {
      const id = newBackendId(randomBytes);
      return [id, encodeRow(newRoute({ ...state, backendId: id, epoch: 1 }))];
    });
    await redis.send(['HSET', keys.routes, ...rows.flat()]);
  }
  const n = String(1_000_000 + count);
  await redis.send(['HSET', keys.routeHead, 'n', n]);
  const nobody = ['id', newBackendId(randomBytes), 'epoch', '1', 'route', ''];
  await redis.send(['XADD', keys.routeLog, `${EPOCH}-${n}`, ...nobody]);
  await redis.close();
  await eventually(
    async () => {
      const { body } = await request({ port: adminPort, path: '/metrics' });
      return Number(/^spawner_proxy_routes\S* (\d+)/m.exec(body)?.[1] ?? 0) >= count;
    },
    { timeoutMs: 60_000 },
  );
}
