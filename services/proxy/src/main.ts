import { type App, ownProcess, run } from '@spawner/service';
import { RouteTable } from '@spawner/store';
import { AgentClients } from './cluster/agent-clients.ts';
import { Cluster } from './cluster/membership.ts';
import { type ProxyConfig, readConfig } from './config.ts';
import { EdgeProxy } from './proxy.ts';
import { Snapshots } from './snapshot/snapshots.ts';
import { ownPlace } from './workers/process-role.ts';
import { inWorkers } from './workers/run-workers.ts';

const { place, tickets } = ownPlace();
await run('proxy', readConfig, inWorkers(serve), place);

async function serve(given: ProxyConfig, app: App): Promise<void> {
  const { clock, log } = app;
  const routes = RouteTable.withTokens();
  const snapshots = app.own(new Snapshots(given, { routes, clock, log }));
  const config = { ...given, id: given.named ? given.id : snapshots.nameOr(given.id) };
  const restored = snapshots.restore();

  const process = ownProcess();
  const cluster = new Cluster({ ...config, process }, app, routes, !restored);

  const agents = app.own(new AgentClients(config.cluster, config.id));
  const { bus, membership } = cluster;
  const { scheduler } = membership;
  const registration = () => membership.registration;
  const parts = { routes, bus, scheduler, agents, snapshots, clock, log, process, registration, tickets };
  // It answers agents from before it is known to them: none waits in vain for its word.
  const proxy = app.own(new EdgeProxy(config, parts));
  await cluster.joined();
  await proxy.listen();
  app.every('keeping the routes', 2_000, (signal) => snapshots.turn(signal));
}
