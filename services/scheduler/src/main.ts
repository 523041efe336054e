import { openBus } from '@spawner/bus';
import { serveRpc } from '@spawner/rpc';
import { run } from '@spawner/service';
import { keysOf, StoreEpoch } from '@spawner/store';
import { readConfig } from './config.ts';
import { Explanations } from './explain/explanations.ts';
import { Leases } from './leases/leases.ts';
import { Nodes } from './leases/nodes.ts';
import { Suspensions } from './leases/suspensions.ts';
import { sweep } from './leases/sweep.ts';
import { schedulerService } from './server.ts';
import { agentClients } from './spawn/agents.ts';
import { Backends } from './spawn/backends.ts';
import { Claims } from './spawn/claim.ts';
import { ConnectionTokens } from './spawn/connection-tokens.ts';
import { BackendStore } from './store/backend-store.ts';
import { NodeStore } from './store/node-store.ts';
import { openSafeRedis } from './store/redis-settings.ts';
import { Replication } from './store/replication.ts';

await run('scheduler', readConfig, async (config, app) => {
  const redis = await app.connect('Redis', () => openSafeRedis(config.redisUrl, app.log));
  const bus = await app.connect('NATS', () => openBus(config.natsUrl, 'scheduler', app.log));
  app.readyWhen(() => (redis.ready ? undefined : 'Redis'));
  const keys = keysOf(config.cluster);

  const agents = app.own(agentClients());
  const claims = new Claims(config.cluster, config.clusterSecrets);
  claims.announce(app.log);
  const epoch = new StoreEpoch({ redis, keys, log: app.log, emptyStore: config.emptyStore });
  const replication = await app.connect('Redis', () => Replication.open(redis, epoch, config.waitReplicas));
  const nodeStore = new NodeStore(redis, keys, epoch);
  const backendStore = new BackendStore(redis, keys, epoch, replication);
  const backends = new Backends(backendStore, nodeStore, agents, claims, bus, app.clock, app.log);
  const explanations = new Explanations(backendStore, nodeStore, agents, app.clock, app.log);
  const nodes = new Nodes(nodeStore, backendStore, backends, claims, app.clock, app.log);
  const suspensions = new Suspensions(epoch);
  const tokens = new ConnectionTokens(redis, keys, epoch, app.clock);

  const leases = new Leases(nodeStore, backendStore, backends, app.clock, app.log);
  const parts = { nodeStore, backendStore, backends, explanations, nodes, leases, suspensions, tokens };
  app.every('sweep', 1_000, () => sweep(parts, app.log));
  const services = [schedulerService(parts)];
  const { bindAddress: address, port } = config;
  app.own(await serveRpc({ address, port, log: app.log, services, maxMessageBytes: 64 * 1024 * 1024 }));
});
