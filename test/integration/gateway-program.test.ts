/** The gateway as it is run: its own process, a real NATS, and a scheduler whose answers the test knows. */
import { join } from 'node:path';
import { type Bus, openBus, SUBJECTS } from '@spawner/bus';
import { Spawner } from '@spawner/client';
import { systemClock } from '@spawner/domain';
import { BackendState } from '@spawner/proto/v1/backend';
import {
  eventually,
  expectComplaint,
  freePort,
  type Nats,
  type Program,
  request,
  startNats,
  startProgram,
  testLog,
} from '@spawner/testkit';
import { type FakeScheduler, startFakeScheduler } from '../contract/fake-scheduler.ts';

const MAIN = join(__dirname, '../../services/gateway/src/main.ts');
const log = testLog();

interface Running {
  program: Program;
  httpPort: number;
  adminPort: number;
  url: string;
}

async function startGateway(natsUrl: string, schedulerPort: number, more: object = {}): Promise<Running> {
  const [httpPort, grpcPort, adminPort] = [await freePort(), await freePort(), await freePort()];
  const program = await startProgram({
    command: process.execPath,
    args: [MAIN],
    env: {
      SPAWNER_NATS_URL: natsUrl,
      SPAWNER_SCHEDULER_ADDRESS: `127.0.0.1:${schedulerPort}`,
      SPAWNER_GATEWAY_HTTP_PORT: String(httpPort),
      SPAWNER_GATEWAY_GRPC_PORT: String(grpcPort),
      SPAWNER_GATEWAY_ADMIN_PORT: String(adminPort),
      ...more,
    },
  });
  return { program, httpPort, adminPort, url: `http://127.0.0.1:${httpPort}` };
}

const readiness = async (port: number) => {
  const { status, body } = await request({ port, path: '/readyz' });
  return { status, ...JSON.parse(body) };
};

describe('the gateway program', () => {
  let nats: Nats;
  let bus: Bus;
  let scheduler: FakeScheduler;
  let gateway: Running;
  let spawner: Spawner;
  beforeAll(async () => {
    [nats, scheduler] = await Promise.all([startNats(), startFakeScheduler()]);
    bus = await openBus(nats.url, 'test', log);
    scheduler.onChange((backend) => bus.publish(SUBJECTS.backendState, backend.id, { backend }));
    gateway = await startGateway(nats.url, scheduler.port);
    spawner = new Spawner({ url: gateway.url });
    await eventually(async () => expect(await readiness(gateway.httpPort)).toMatchObject({ ready: true }));
  });
  afterAll(async () => {
    await gateway?.program.stop();
    await bus?.close();
    await scheduler?.[Symbol.asyncDispose]();
    await nats?.stop();
  });

  it('learns of changes over the bus, long before it would read again', async () => {
    const { id } = await spawner.spawn({ image: 'test/manual' });
    const records = spawner.watch(id);
    expect((await records.next()).value).toMatchObject({ state: 'SCHEDULED' });
    const began = systemClock.now();
    for (const state of [BackendState.LOADING, BackendState.READY, BackendState.TERMINATED]) {
      scheduler.advance(id, state);
      expect((await records.next()).value.revision).toBe(scheduler.records.get(id)?.revision);
    }
    expect(systemClock.now() - began).toBeLessThan(4_000);
    expect((await records.next()).done).toBe(true);
  });

  it('shows the users of a backend, as its drone reports them', async () => {
    const { id } = await spawner.spawn({ image: 'test/manual' });
    const activity = { openConnections: 3, idleForMs: 0 };
    const heartbeat = { droneId: 'drone-1', cluster: 'local', backends: [{ id, activity }] };
    bus.publish(SUBJECTS.droneHeartbeat, 'drone-1', { ...heartbeat, cluster: 'another' });
    await eventually(async () => {
      bus.publish(SUBJECTS.droneHeartbeat, 'drone-1', heartbeat);
      expect((await spawner.get(id)).activity).toEqual(activity);
    });
  });

  it('continues the trace of its caller and passes it on', async () => {
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
    const spawn = (headers: object) =>
      request({
        port: gateway.httpPort,
        path: '/v1/backends',
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ spec: { image: 'test/manual' } }),
      });
    const continued = await spawn({ traceparent: `00-${trace}-00f067aa0ba902b7-01` });
    expect(continued.headers['x-trace-id']).toBe(trace);
    expect(scheduler.asked.at(-1)?.traceparent).toContain(trace);
    const own = await spawn({});
    expect(own.headers['x-trace-id']).toMatch(/^[0-9a-f]{32}$/);
    expect(scheduler.asked.at(-1)?.traceparent).toContain(own.headers['x-trace-id']);
  });

  it('counts requests and spawns, on both ports', async () => {
    await spawner.drones();
    for (const port of [gateway.httpPort, gateway.adminPort]) {
      const { body } = await request({ port, path: '/metrics' });
      expect(body).toMatch(/spawner_gateway_http_requests_total\{operation="listDrones",code="200"/);
      expect(body).toMatch(/spawner_gateway_spawn_duration_count\{outcome="placed"/);
      expect(body).not.toContain('id="');
    }
  });

  it('works without NATS: a watch reads again by itself', async () => {
    const { id } = await spawner.spawn({ image: 'test/manual' });
    const records = spawner.watch(id);
    await records.next();
    await nats.stop();
    scheduler.advance(id, BackendState.TERMINATED);
    expect((await records.next()).value).toMatchObject({ state: 'TERMINATED' });
    await nats.start();
  });
});

describe('a gateway that starts alone', () => {
  it('waits for NATS, then for the scheduler, says so, and starts when they come', async () => {
    const natsPort = await freePort();
    const scheduler = await startFakeScheduler();
    const gateway = await startGateway(`nats://127.0.0.1:${natsPort}`, scheduler.port);
    let nats: Program | undefined;
    try {
      await eventually(async () =>
        expect(await readiness(gateway.adminPort)).toEqual({
          status: 503,
          ready: false,
          waiting_for: ['NATS'],
        }),
      );
      nats = await startProgram({
        command: 'nats-server',
        args: ['--addr', '127.0.0.1', '--port', String(natsPort)],
      });
      await eventually(async () => expect(await readiness(gateway.adminPort)).toMatchObject({ status: 200 }));
      await scheduler[Symbol.asyncDispose]();
      await eventually(async () =>
        expect(await readiness(gateway.httpPort)).toMatchObject({
          status: 503,
          waiting_for: ['the scheduler'],
        }),
      );
    } finally {
      await gateway.program.stop();
      await nats?.stop();
      await scheduler[Symbol.asyncDispose]();
    }
  });

  it('reports its health on its own port, wherever its admin port is', async () => {
    const nats = await startNats();
    const elsewhere = { SPAWNER_ADMIN_BIND_ADDRESS: '127.0.0.2' };
    const gateway = await startGateway(nats.url, await freePort(), elsewhere);
    try {
      await eventually(async () =>
        expect(await request({ port: gateway.httpPort, path: '/healthz' })).toMatchObject({ status: 200 }),
      );
    } finally {
      await gateway.program.stop();
      await nats.stop();
    }
  });

  it('ends within its drain time after SIGTERM, although a client watches', async () => {
    const [nats, scheduler] = await Promise.all([startNats(), startFakeScheduler()]);
    const gateway = await startGateway(nats.url, scheduler.port);
    const spawner = new Spawner({ url: gateway.url });
    const { id } = await eventually(() => spawner.spawn({ image: 'test/manual' }));
    const records = spawner.watch(id);
    await records.next();
    expect(await gateway.program.stop()).toEqual({ code: 0, signal: null });
    await records.return(undefined);
    await scheduler[Symbol.asyncDispose]();
    await nats.stop();
  });

  it('stops at once and names every problem of a wrong configuration', async () => {
    expectComplaint(/gateway: configuration: /);
    const program = await startProgram({
      command: process.execPath,
      args: [MAIN],
      env: { SPAWNER_GATEWAY_HTTP_PORT: 'x', SPAWNER_GATEWAY_GRPCPORT: '1', SPAWNER_NATS_URL: 'http://x' },
    });
    expect(await program.exited).toEqual({ code: 2, signal: null });
    for (const name of ['SPAWNER_GATEWAY_HTTP_PORT', 'SPAWNER_GATEWAY_GRPCPORT', 'SPAWNER_NATS_URL'])
      expect(program.output()).toContain(name);
  });
});
