import { randomBytes } from 'node:crypto';
import { openBus, QueuePositions, SUBJECTS } from '@spawner/bus';
import { run } from '@spawner/service';
import { ActivityMemory } from './activity.ts';
import { readConfig } from './config.ts';
import { serveGrpc } from './grpc.ts';
import { adminPort } from './http/admin-port.ts';
import { serveHttp } from './http/server.ts';
import { createMetrics } from './metrics.ts';
import { publicApi } from './public-api.ts';
import { Reachability } from './reachability.ts';
import { connectScheduler } from './scheduler.ts';
import type { WatchSources } from './watch.ts';

await run('gateway', readConfig, async (config, app) => {
  const { clock, log } = app;
  const bus = await app.connect('NATS', () => openBus(config.natsUrl, 'gateway', log));
  const scheduler = app.own(connectScheduler(config.schedulerAddress));
  const reachability = new Reachability(scheduler, clock);
  app.every('asking for the scheduler', 250, (signal) => reachability.look(signal));
  app.readyWhen(() => reachability.waitingFor());

  const metrics = createMetrics();
  const activity = new ActivityMemory(config.cluster, clock);
  app.own(bus.subscribe(SUBJECTS.droneHeartbeat, undefined, (heartbeat) => activity.take(heartbeat)));
  const queue = new QueuePositions(config.cluster, clock);
  app.own(bus.subscribe(SUBJECTS.droneQueue, undefined, (message) => queue.take(message)));

  const hints: WatchSources['hints'] = (id, take) => bus.subscribe(SUBJECTS.backendState, id, take);
  const parts = {
    scheduler,
    clock,
    randomBytes,
    random: Math.random,
    urls: config,
    activity,
    hints,
    queue,
    metrics,
  };
  const api = publicApi(parts);
  const serving = { address: config.bindAddress, log };
  const grpc = await serveGrpc(api, { ...serving, port: config.grpcPort, answered: metrics.grpc });
  app.own(grpc);
  const http = await serveHttp(api, {
    ...serving,
    port: config.httpPort,
    clock,
    allowedOrigins: config.allowedOrigins,
    demoImage: config.demoImage,
    metrics,
    admin: adminPort(config.adminBindAddress, config.adminPort),
  });
  app.own(http);
  log.info({ http_port: http.port, grpc_port: grpc.port }, 'serving');
});
