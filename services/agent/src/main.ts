import { openBus } from '@spawner/bus';
import { DEADLINES } from '@spawner/domain';
import { Membership, serveRpc } from '@spawner/rpc';
import { gauge, run } from '@spawner/service';
import { ActivityFile } from './activity-file.ts';
import { bootClock, bootId } from './boot.ts';
import { chooseRuntime, openRuntime } from './choose-runtime.ts';
import { readConfig } from './config.ts';
import { Drone } from './drone.ts';
import { makeInstruments } from './instruments.ts';
import { Journal } from './journal.ts';
import { fencingAt, Lease } from './lease.ts';
import { droneNode, memberOf } from './member.ts';
import { Reconciler } from './reconcile.ts';
import { agentService } from './server.ts';
import { Settler } from './settler.ts';
import { keptDroneId, StateDir } from './state-dir.ts';
import { Telemetry } from './telemetry.ts';

await run('agent', readConfig, async (config, app) => {
  const { log } = app;
  const state = new StateDir(config.stateDir);
  const droneId = config.droneId || keptDroneId(state);
  const boot = bootId();
  const kind = await chooseRuntime(config, log);
  const home = { droneId, state, clock: bootClock, log };
  const runtime = await app.connect(`the ${kind} runtime`, () => openRuntime(kind, config, home));

  const instruments = makeInstruments();
  const activity = new ActivityFile(state, boot);
  const journal = new Journal(state, boot, log);
  const drone = app.own(new Drone({ runtime, journal, clock: bootClock, log, instruments }));
  drone.takeUp(activity.read());
  const lease = new Lease(state, boot);
  const fence = async () => drone.fence(fencingAt(lease.age(bootClock.now())));
  await fence();
  gauge('spawner.agent.backends', 'Living backends', () => drone.living().length);

  const { bindAddress: address, port } = config;
  const rpc = app.own(await serveRpc({ address, port, log, services: [agentService(drone, bootClock)] }));
  const member = memberOf(drone, lease, droneNode(config, droneId, kind, rpc.port));
  const membership = app.own(new Membership(config.schedulerAddress, member, bootClock, log));
  app.readyWhen(() => membership.waitingFor());
  drone.join(membership);
  app.every('renewing', 100, (signal) => membership.run(signal));

  const reconciler = new Reconciler(drone, bootClock, log);
  app.every('following the runtime', 100, (signal) => reconciler.follow(signal));
  app.every('reconciling', 10_000, () => reconciler.all());
  app.every('deadlines', 100, async () => drone.tick());
  app.every('fencing', 250, fence);

  const bus = await app.connect('NATS', () => openBus(config.natsUrl, `agent ${droneId}`, log));
  app.readyWhen(() => (bus.connected ? undefined : 'NATS'));
  const parts = { bus, drone, droneId, cluster: config.cluster, clock: bootClock, log, instruments };
  const telemetry = app.own(new Telemetry(parts, (id) => reconciler.look(id)));
  const settler = new Settler({ ...parts, scheduler: membership.scheduler });
  app.every('settling', 200, async () => settler.turn());
  app.every('heartbeat', DEADLINES.renewEvery, async () => telemetry.heartbeat());
  app.every('keeping activity', 5_000, async () => activity.write(drone.living()));
});
