/** A real gateway, both ports, in this process before a fake scheduler: fast, and with nothing else to start. */
import { randomBytes } from 'node:crypto';
import { QueuePositions } from '@spawner/bus';
import { systemClock } from '@spawner/domain';
import { ActivityMemory } from '@spawner/gateway/activity';
import { serveGrpc } from '@spawner/gateway/grpc';
import { serveHttp } from '@spawner/gateway/http/server';
import { createMetrics } from '@spawner/gateway/metrics';
import { publicApi } from '@spawner/gateway/public-api';
import { connectScheduler } from '@spawner/gateway/scheduler';
import { createLog } from '@spawner/service';
import { type FakeScheduler, startFakeScheduler } from './fake-scheduler.ts';

export interface TestGateway extends AsyncDisposable {
  scheduler: FakeScheduler;
  activity: ActivityMemory;
  queue: QueuePositions;
  httpPort: number;
  grpcPort: number;
  /** `http://127.0.0.1:<port>` */
  url: string;
}

export const ALLOWED_ORIGIN = 'https://app.example.com';

export async function startGateway(): Promise<TestGateway> {
  const scheduler = await startFakeScheduler();
  const client = connectScheduler(`127.0.0.1:${scheduler.port}`);
  const log = createLog('gateway', 'silent');
  const activity = new ActivityMemory('test', systemClock);
  const queue = new QueuePositions('test', systemClock);
  const urls = { urlScheme: 'http', urlPort: 8000, clusterDomain: 'spawner.localhost' } as const;
  const metrics = createMetrics();
  const api = publicApi({
    metrics,
    scheduler: client,
    clock: systemClock,
    randomBytes,
    random: Math.random,
    urls,
    activity,
    queue,
    hints: (id, take) => ({
      established: async () => {},
      ...scheduler.onChange((backend) => backend.id === id && take()),
    }),
  });
  const address = '127.0.0.1';
  const grpc = await serveGrpc(api, { address, port: 0, log, answered: metrics.grpc });
  const http = await serveHttp(api, {
    ...{ address, port: 0, log, clock: systemClock },
    allowedOrigins: [ALLOWED_ORIGIN],
    demoImage: 'spawner/demo:latest',
    metrics,
    admin: (_request, response) => response.end('admin'),
  });
  return {
    scheduler,
    activity,
    queue,
    httpPort: http.port,
    grpcPort: grpc.port,
    url: `http://127.0.0.1:${http.port}`,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([http.close(), grpc.close()]);
      client.close();
      await scheduler[Symbol.asyncDispose]();
    },
  };
}
