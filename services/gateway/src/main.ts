import { randomBytes } from 'node:crypto';
import { openBus, SUBJECTS } from '@spawner/bus';
import { run } from '@spawner/service';
import { ActivityMemory } from './activity.ts';
import { Backends } from './backends.ts';
import { readConfig } from './config.ts';
import { Fleet } from './fleet.ts';
import { serveGrpc } from './grpc.ts';
import { adminPort } from './http/admin-port.ts';
import { serveHttp } from './http/server.ts';
import { createMetrics } from './metrics.ts';
import { Reachability } from './reachability.ts';
import { connectScheduler } from './scheduler.ts';
import { ConnectionTokens } from './tokens.ts';

await run('gateway', readConfig, async (config, app) => {
  const bus = await app.connect('NATS', () => openBus(config.natsUrl, 'gateway', app.log));
  const scheduler = app.own(connectScheduler(config.schedulerAddress));
  const reachability = new Reachability(scheduler);
  app.every('asking for the scheduler', 2_000, (signal) => reachability.look(signal));
  app.readyWhen(() => reachability.waitingFor());

  const metrics = createMetrics();
  const activity = new ActivityMemory(config.cluster, app.clock);
  app.own(bus.subscribe(SUBJECTS.droneHeartbeat, undefined, (heartbeat) => activity.take(heartbeat)));

  const backends = new Backends({
    scheduler,
    clock: app.clock,
    randomBytes,
    random: Math.random,
    urls: config,
    activity,
    hints: (id, take) => bus.subscribe(SUBJECTS.backendState, id, take),
    metrics,
  });
  const fleet = new Fleet(scheduler);

  const tokens = new ConnectionTokens({ scheduler, randomBytes, urls: config });
  const api = { backends, tokens, fleet };
  const grpc = await serveGrpc(api, {
    address: config.bindAddress,
    port: config.grpcPort,
    log: app.log,
    metrics,
  });
  app.own(grpc);
  const http = await serveHttp(api, {
    address: config.bindAddress,
    port: config.httpPort,
    log: app.log,
    clock: app.clock,
    allowedOrigins: config.allowedOrigins,
    demoImage: config.demoImage,
    metrics,
    admin: adminPort(config.adminBindAddress, config.adminPort),
  });
  app.own(http);
  app.log.info({ http_port: http.port, grpc_port: grpc.port }, 'serving');
});
