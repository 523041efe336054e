import { type App, ownProcess, run } from '@spawner/service';
import { RouteTable } from '@spawner/store';
import { agentClients } from './cluster/agent-clients.ts';
import { Cluster } from './cluster/membership.ts';
import { type ProxyConfig, readConfig } from './config.ts';
import { EdgeProxy } from './proxy.ts';
import { Snapshots } from './snapshot/snapshots.ts';
import { processRole } from './workers/process-role.ts';
import { inWorkers } from './workers/run-workers.ts';

const role = processRole();
await run('proxy', readConfig, inWorkers(serve), (config) => role.place(config));

async function serve(given: ProxyConfig, app: App): Promise<void> {
  const { clock, log } = app;
  const routes = RouteTable.withTokens();
  const snapshots = app.own(new Snapshots(given, { routes, clock, log }));
  const config = { ...given, id: snapshots.nameOf(given) };
  const restored = snapshots.restore();

  const process = ownProcess();
  const cluster = new Cluster({ config, app, routes, restored, process });

  const agents = app.own(agentClients(config.cluster, config.id));
  const { bus, membership } = cluster;
  const { scheduler } = membership;
  const { tickets } = role;
  const registration = () => membership.registration;
  const parts = { routes, bus, scheduler, agents, snapshots, clock, log, process, registration, tickets };
  // It answers agents before they know it, so that none waits for it in vain.
  const proxy = app.own(new EdgeProxy(config, parts));
  await cluster.joined();
  await proxy.listen();
  app.every('the snapshot', 2_000, (signal) => snapshots.turn(signal));
}
