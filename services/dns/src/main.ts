import { Membership, schedulerAt } from '@spawner/cluster';
import { serveRpc } from '@spawner/rpc';
import { needs, run } from '@spawner/service';
import { keysOf, openRedis, RouteTable } from '@spawner/store';
import { Challenges, REFRESH_EVERY_MS } from './challenges.ts';
import { nodeOf, readConfig, zoneSettings } from './config.ts';
import { responder } from './listeners/responder.ts';
import { listenTcp } from './listeners/tcp.ts';
import { listenUdp } from './listeners/udp.ts';
import { createMetrics } from './metrics.ts';
import { dnsService } from './server.ts';
import { Zone } from './zone.ts';

await run('dns', readConfig, async (config, app) => {
  const { log, clock } = app;
  const { listenAddress, clusterDomain: domain } = config;
  const keys = keysOf(config.cluster);
  const redis = await app.connect('Redis', () => openRedis(config.redisUrl, log));

  const routes = new RouteTable();
  const members = app.own(
    new Membership(schedulerAt(config.schedulerAddress), { node: nodeOf(config) }, clock, log),
  );
  const challenges = new Challenges(redis, keys.challenges, clock);
  const zone = app.own(new Zone(zoneSettings(config), { routes, members, challenges }, clock));
  const respond = responder(zone, log, createMetrics());

  // TCP first: its port is never shared with a second server, whereas the kernel would share that of UDP.
  const limits = { maxConnections: config.tcpConnections, idleMs: config.tcpIdleMs };
  const tcp = app.own(
    await listenTcp({ address: listenAddress, port: config.port, ...limits }, respond, log),
  );
  const udp = app.own(await listenUdp({ address: listenAddress, port: tcp.port }, respond, log));
  const services = [dnsService(challenges, domain)];
  app.own(await serveRpc({ address: config.bindAddress, port: config.grpcPort, log, services }));

  app.every('following the routes', 1_000, (signal) => routes.follow(redis, keys, clock, log, signal));
  app.every('reading the challenges', REFRESH_EVERY_MS, () => challenges.follow());
  app.every('following the local addresses', 1_000, () => udp.follow());
  app.every('membership', 1_000, (signal) => members.run(signal));
  app.every('reading the proxies', 1_000, async () => zone.look());
  app.readyWhen(needs('the routes', () => routes.loaded));
  app.readyWhen(() => members.waitingFor());
});
