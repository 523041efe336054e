/** One real scheduler with a Redis and a NATS of its own, and simulated drones that register with it. */
import { randomBytes } from 'node:crypto';
import { newBackendId } from '@spawner/domain';
import { SchedulerServiceService, SpawnBackendRequest } from '@spawner/proto/internal/scheduler_service';
import { createClient, type RpcClient } from '@spawner/rpc';
import { createLog } from '@spawner/service';
import { type Keys, keysOf, openRedis, type Redis as Store } from '@spawner/store';
import { freePort, startNats, startRedis } from '@spawner/testkit';
import type { Variables } from '../../../deploy/local/settings/services.ts';
import { type ServiceHandle, startService } from '../../cluster/service-process.ts';
import { SimulatedDrones } from './simulated-drones.ts';

const SPAWNS_AT_ONCE = 32;

export interface ControlPlane {
  readonly store: Store;
  readonly keys: Keys;
  readonly redisPid: number;
  readonly process: ServiceHandle;
  /** The variables by which other services join it. */
  readonly env: Variables;
  readonly scheduler: RpcClient<typeof SchedulerServiceService>;
  readonly drones: SimulatedDrones;
  /** Spawns `count` backends like those of a real application. Returns the milliseconds of each call. */
  spawn(count: number): Promise<number[]>;
}

/** Runs `work` with a control plane of its own, which always ends with it. */
export async function withControlPlane<T>(
  work: (at: ControlPlane) => Promise<T>,
  redisArgs: string[] = [],
): Promise<T> {
  await using stack = new AsyncDisposableStack();
  const log = createLog('bench', 'silent');
  const redis = stack.use(await startRedis({ args: redisArgs }));
  const nats = stack.use(await startNats());
  const [port, adminPort] = [await freePort(), await freePort()];
  const ports = { SPAWNER_SCHEDULER_PORT: port, SPAWNER_SCHEDULER_ADMIN_PORT: adminPort };
  const shared = {
    SPAWNER_REDIS_URL: redis.url,
    SPAWNER_NATS_URL: nats.url,
    SPAWNER_CLUSTER: 'bench',
    SPAWNER_LOG_LEVEL: 'warn',
  };
  const process = await startService({
    name: 'scheduler',
    service: 'scheduler',
    ports,
    env: {
      ...shared,
      // Its Redis is new, so it has lost nothing.
      SPAWNER_SCHEDULER_EMPTY_STORE: 'new',
      SPAWNER_SCHEDULER_PORT: String(port),
      SPAWNER_SCHEDULER_ADMIN_PORT: String(adminPort),
    },
  });
  stack.defer(() => process.stop());
  await process.ready();
  const store = await openRedis(redis.url, log);
  stack.defer(() => store.close());
  const address = `127.0.0.1:${port}`;
  const scheduler = createClient(SchedulerServiceService, address);
  stack.defer(() => scheduler.close());
  const drones = stack.use(await SimulatedDrones.open(address, log));
  const spawn = (count: number) => spawnMany(scheduler, count);
  const keys = keysOf('bench');
  const env = { ...shared, SPAWNER_SCHEDULER_ADDRESS: address };
  return await work({ store, keys, redisPid: redis.pid(), process, env, scheduler, drones, spawn });
}

let serial = 0;

async function spawnMany(
  scheduler: RpcClient<typeof SchedulerServiceService>,
  count: number,
): Promise<number[]> {
  const took: number[] = [];
  let left = count;
  const work = async () => {
    while (left-- > 0) {
      const request = realisticSpawn(serial++);
      const began = performance.now();
      await scheduler.spawnBackend(request, { timeoutMs: 30_000 });
      took.push(performance.now() - began);
    }
  };
  await Promise.all(Array.from({ length: SPAWNS_AT_ONCE }, work));
  return took;
}

/** With a key, labels, limits and a registry's image, as an application server would ask for it. */
function realisticSpawn(number: number): SpawnBackendRequest {
  return SpawnBackendRequest.fromPartial({
    id: newBackendId(randomBytes),
    key: { namespace: 'rooms', name: `room-${number}` },
    spec: {
      image: 'registry.example.com/team/whiteboard:2026.11.3',
      labels: { app: 'whiteboard', tenant: `tenant-${number % 97}`, plan: 'standard' },
      env: { ROOM: `room-${number}`, STORAGE_URL: 'https://storage.example.com/rooms' },
      resources: { cpuMillis: 100, memoryBytes: 128 * 2 ** 20 },
      idleTimeoutMs: 300_000,
      lifetimeLimitMs: 86_400_000,
    },
  });
}
