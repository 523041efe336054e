import { openBus } from '@spawner/bus';
import { Node, NodeKind } from '@spawner/proto/internal/node';
import { Membership, schedulerAt } from '@spawner/rpc';
import { ownProcess, run } from '@spawner/service';
import { keysOf, openRedis, RouteTable } from '@spawner/store';
import { readConfig } from './config.ts';
import { EdgeProxy } from './proxy.ts';
import { publicAddresses } from './public-addresses.ts';
import { nothingToWaitFor } from './start.ts';

await run('proxy', readConfig, async (config, app) => {
  const { clock, log, signal } = app;
  const { addresses } = await app.connect('the public address', () => publicAddresses(config));
  const redis = await app.connect('Redis', () => openRedis(config.redisUrl, log));
  const bus = await app.connect('NATS', () => openBus(config.natsUrl, config.id, log));

  const { id, region, droneId } = config;
  const process = ownProcess();
  const self = { kind: NodeKind.PROXY, id, region, droneId, publicAddresses: [...addresses], process };
  const node = Node.fromPartial(self);
  const membership = app.own(new Membership(schedulerAt(config.scheduler), { node }, clock, log));
  const { scheduler } = membership;
  const registration = () => membership.registration;
  const routes = RouteTable.withTokens();
  // It answers agents from before it is known to them: none waits in vain for its word.
  const parts = { routes, bus, scheduler, clock, log, process, registration };
  const proxy = app.own(new EdgeProxy(config, parts));

  const registered = () => membership.waitingFor();
  app.readyWhen(registered);
  app.every('membership', 500, (signal) => membership.run(signal));
  await nothingToWaitFor([registered], clock, signal);

  const loaded = () => (routes.loaded ? undefined : 'the routes');
  app.readyWhen(loaded);
  const keys = keysOf(config.cluster);
  app.every('routes', 500, (signal) => routes.follow(redis, keys, clock, log, signal));
  await nothingToWaitFor([loaded], clock, signal);
  await proxy.listen();
});
