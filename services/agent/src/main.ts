import { openBus } from '@spawner/bus';
import { Membership, schedulerAt } from '@spawner/cluster';
import { serveRpc } from '@spawner/rpc';
import { needs, run } from '@spawner/service';
import { Agent } from './agent.ts';
import { readConfig } from './config.ts';
import { StartQueue } from './lifecycle/start-queue.ts';
import { createMetrics, observeBackends, observeSandboxes } from './metrics.ts';
import { droneNode } from './report/member.ts';
import { chooseRuntime, openRuntime } from './runtime/choose-runtime.ts';
import { bootClock, bootId } from './state/boot.ts';
import { droneIdOf } from './state/drone-id.ts';
import { StateDir } from './state/state-dir.ts';

await run('agent', readConfig, async (config, app) => {
  const { log } = app;
  const { cluster, logsOnBus } = config;
  const state = new StateDir(config.stateDir);
  const droneId = droneIdOf(config.droneId, state);
  const kind = await chooseRuntime(config, state, log);
  const machine = { droneId, state, clock: bootClock, log };
  const runtime = await app.connect(`the ${kind} runtime`, () => openRuntime(kind, config, machine));

  const starts = new StartQueue({ atOnce: config.startsAtOnce, clock: bootClock });
  const parts = { ...machine, cluster, logsOnBus, boot: bootId(), runtime, starts, metrics: createMetrics() };
  const agent = new Agent(app, parts);
  observeBackends(
    () => agent.drone.living().length,
    () => starts.waiting,
  );
  observeSandboxes(runtime.sandboxes);

  const { bindAddress: address, port } = config;
  const rpc = app.own(await serveRpc({ address, port, log, services: [agent.service] }));
  const member = agent.member(droneNode(config, droneId, kind, rpc.port));
  const scheduler = schedulerAt(config.schedulerAddress);
  const membership = app.own(new Membership(scheduler, member, bootClock, log));
  app.readyWhen(() => membership.waitingFor());
  agent.join(membership);

  const bus = await app.connect('NATS', () => openBus(config.natsUrl, `agent ${droneId}`, log));
  app.readyWhen(needs('NATS', () => bus.connected));
  agent.connectBus(bus, scheduler);
});
