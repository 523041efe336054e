import { openBus } from '@spawner/bus';
import { needs, run } from '@spawner/service';
import { keysOf, StoreEpoch } from '@spawner/store';
import { readConfig } from './config.ts';
import { createMetrics } from './metrics.ts';
import { agentClients } from './placement/agents.ts';
import { Claims } from './placement/claims.ts';
import { Scheduler } from './scheduler.ts';
import { openSafeRedis } from './store/redis-settings.ts';
import { Replication } from './store/replication.ts';

await run('scheduler', readConfig, async (config, app) => {
  const { clock, log } = app;
  const redis = await app.connect('Redis', () => openSafeRedis(config.redisUrl, log));
  const bus = await app.connect('NATS', () => openBus(config.natsUrl, 'scheduler', log));
  app.readyWhen(needs('Redis', () => redis.ready));

  const keys = keysOf(config.cluster);
  const epoch = new StoreEpoch({ redis, keys, log, emptyStore: config.emptyStore });
  const replication = await app.connect('Redis', () => Replication.open(redis, epoch, config.waitReplicas));
  const agents = app.own(agentClients());
  const claims = new Claims(config.cluster, config.clusterSecrets);
  claims.announce(log);
  const metrics = createMetrics();

  const parts = { redis, keys, epoch, replication, bus, agents, claims, clock, log, metrics };
  const scheduler = new Scheduler(parts);
  app.every('sweep', 1_000, () => scheduler.sweep());
  app.own(await scheduler.serve({ address: config.bindAddress, port: config.port }));
});
