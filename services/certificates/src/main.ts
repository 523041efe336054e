import { Membership, schedulerAt } from '@spawner/cluster';
import { serveRpc } from '@spawner/rpc';
import { needs, run } from '@spawner/service';
import { keysOf, openRedis } from '@spawner/store';
import { domainsOf, nodeOf, readConfig } from './config.ts';
import { issuerOf } from './issuers.ts';
import { Keeper, TURN_EVERY_MS } from './keeper.ts';
import { createMetrics, observeExpiry } from './metrics.ts';
import { certificatesService } from './server.ts';
import { CertificateStore } from './store/certificate-store.ts';
import { IssueLock } from './store/issue-lock.ts';

await run('certificates', readConfig, async (config, app) => {
  const { clock, log } = app;
  const keys = keysOf(config.cluster);
  const redis = await app.connect('Redis', () => openRedis(config.redisUrl, log));

  const store = new CertificateStore(redis, keys.certificates);
  const lock = new IssueLock(redis, keys.certificatesLease, clock);
  const issuer = await issuerOf(config, store, app);
  const metrics = createMetrics();
  const parts = { issuer, store, lock, clock, log, metrics, random: Math.random };
  const keeper = new Keeper({ domains: domainsOf(config), ...parts });
  observeExpiry(() => keeper.secondsLeft());

  const services = [certificatesService(keeper, app.signal)];
  app.own(await serveRpc({ address: config.bindAddress, port: config.port, log, services }));
  const members = app.own(
    new Membership(schedulerAt(config.schedulerAddress), { node: nodeOf(config) }, clock, log),
  );

  app.every('keeping the certificate', TURN_EVERY_MS, (signal) => keeper.turn(signal));
  app.every('membership', 1_000, (signal) => members.run(signal));
  app.readyWhen(needs('a certificate', () => keeper.current !== undefined));
  app.readyWhen(() => members.waitingFor());
});
