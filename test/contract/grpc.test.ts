import { AppError } from '@spawner/domain';
import { Backend, BackendSpec, BackendState, EndReason } from '@spawner/proto/v1/backend';
import {
  BackendServiceService,
  ListBackendsRequest,
  SpawnBackendRequest,
} from '@spawner/proto/v1/backend_service';
import { FleetServiceService } from '@spawner/proto/v1/fleet_service';
import { createClient, type RpcClient } from '@spawner/rpc';
import { eventually } from '@spawner/testkit';
import { NO_ROOM, START_REFUSED } from './fake-scheduler.ts';
import { startGateway, type TestGateway } from './gateway.ts';
import { grpcCall } from './grpc-wire.ts';

let gateway: TestGateway;
let backends: RpcClient<typeof BackendServiceService>;
beforeAll(async () => {
  gateway = await startGateway();
  backends = createClient(BackendServiceService, `127.0.0.1:${gateway.grpcPort}`);
});
afterAll(async () => {
  backends.close();
  await gateway[Symbol.asyncDispose]();
});

const spawnWith = (request: Parameters<typeof SpawnBackendRequest.fromPartial>[0]) =>
  backends.spawnBackend(SpawnBackendRequest.fromPartial(request));
const spawn = async (image: string): Promise<Backend> => {
  const { backend } = await spawnWith({ spec: { image } });
  return backend ?? Backend.fromPartial({});
};
async function all<T>(from: AsyncIterable<T>): Promise<T[]> {
  const parts: T[] = [];
  for await (const part of from) parts.push(part);
  return parts;
}
const NOBODY = 'a'.repeat(26);

describe('ExplainBackend', () => {
  it('explains by id and by key', async () => {
    const key = { namespace: '', name: 'explained', tag: '' };
    const { backend } = await spawnWith({ spec: { image: 'test/manual' }, key });
    const byId = await backends.explainBackend({ id: backend?.id ?? '' });
    expect(byId).toMatchObject({ summary: 'It is test/manual.', placement: { droneId: 'drone-1' } });
    expect(byId.backend?.url).toContain(backend?.id);
    expect((await backends.explainBackend({ id: '', key })).backend?.id).toBe(backend?.id);
  });
  it('is NOT_FOUND for an unknown id, and invalid for neither or both of id and key', async () => {
    await expect(backends.explainBackend({ id: NOBODY })).rejects.toMatchObject({ code: 'not_found' });
    await expect(backends.explainBackend({ id: '' })).rejects.toMatchObject({ code: 'invalid' });
    const key = { namespace: '', name: 'a', tag: '' };
    await expect(backends.explainBackend({ id: NOBODY, key })).rejects.toMatchObject({ code: 'invalid' });
  });
});
const REFLECTION = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';

describe('any gRPC client', () => {
  it('finds both services by reflection', async () => {
    const { status, messages } = await grpcCall(
      gateway.grpcPort,
      REFLECTION,
      Buffer.from([0x3a, 0x01, 0x2a]),
    );
    expect(status).toBe(0);
    const names = Buffer.concat(messages).toString('latin1');
    expect(names).toContain('spawner.v1.BackendService');
    expect(names).toContain('spawner.v1.FleetService');
    expect(names).not.toContain('internal');
  });
  it('hears from health that it is SERVING', async () => {
    const { status, messages } = await grpcCall(
      gateway.grpcPort,
      '/grpc.health.v1.Health/Check',
      Buffer.alloc(0),
    );
    expect([status, messages[0]?.toString('hex')]).toEqual([0, '0801']);
  });
  it('gets UNIMPLEMENTED for a method that does not exist', async () => {
    expect(
      (await grpcCall(gateway.grpcPort, '/spawner.v1.BackendService/Nothing', Buffer.alloc(0))).status,
    ).toBe(12);
  });
});

describe('a life', () => {
  it('is spawned, watched to READY, read, and ended', async () => {
    const spawned = await spawn('test/web');
    expect(spawned).toMatchObject({
      state: BackendState.SCHEDULED,
      url: `http://${spawned.id}.spawner.localhost:8000/`,
    });
    const states: number[] = [];
    for await (const { backend } of backends.watchBackend({ id: spawned.id, afterRevision: 0 })) {
      states.push(backend?.state ?? 0);
      if (backend?.state === BackendState.READY) break;
    }
    expect(states).toEqual([10, 20, 30, 40, 50]);
    const lines = await all(backends.tailLogs({ id: spawned.id, follow: false }));
    expect(lines.map(({ text }) => text)).toEqual(['hello', 'world']);
    const { backend } = await backends.terminateBackend({ id: spawned.id, force: false });
    expect(backend).toMatchObject({ state: BackendState.TERMINATED, endReason: EndReason.REQUESTED });
  });

  it('is watched to its end by who looks away and comes back', async () => {
    const { id } = await spawn('test/missing');
    const first = [];
    for await (const { backend } of backends.watchBackend({ id, afterRevision: 0 })) {
      first.push(backend?.state);
      if (first.length === 2) break;
    }
    const rest = await all(backends.watchBackend({ id, afterRevision: 2 }));
    expect([...first, ...rest.map(({ backend }) => backend?.state)]).toEqual([10, 20, 70]);
    expect(rest.at(-1)?.backend).toMatchObject({
      endReason: EndReason.LOAD_ERROR,
      endDetail: 'manifest unknown',
    });
  });

  it('is listed and found', async () => {
    const { id } = await spawn('test/manual');
    const { backends: listed } = await backends.listBackends(
      ListBackendsRequest.fromPartial({ pageSize: 1 }),
    );
    expect(listed.map((backend) => backend.id)).toEqual([id]);
    expect((await backends.getBackend({ id })).backend?.url).toContain(id);
  });
});

describe('bad input', () => {
  const refused = async (spec: Partial<BackendSpec>) => {
    const request = SpawnBackendRequest.fromPartial({ spec: BackendSpec.fromPartial(spec) });
    const error = await backends.spawnBackend(request).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'invalid' });
    return (error as AppError).violations.map(({ field }) => field);
  };
  it.each<[Partial<BackendSpec>, string[]]>([
    [{}, ['spec.image']],
    [{ image: 'A b' }, ['spec.image']],
    [
      { image: 'a', env: { 'A=B': 'x', '': 'y', 'N\0': 'z' } },
      ['spec.env.A=B', 'spec.env', 'spec.env.N\\u0000'],
    ],
    [{ image: 'a', port: 0 }, ['spec.port']],
    [{ image: 'a', port: 70_000 }, ['spec.port']],
    [
      { image: 'a', resources: { cpuMillis: -1, memoryBytes: 1, pids: -5 } },
      ['spec.resources.cpu_millis', 'spec.resources.pids', 'spec.resources.memory_bytes'],
    ],
    [
      { image: 'a', idleTimeoutMs: -1, lifetimeLimitMs: -1 },
      ['spec.idle_timeout_ms', 'spec.lifetime_limit_ms'],
    ],
  ])('is refused with the names of its fields: %j', async (spec, fields) => {
    const before = gateway.scheduler.asked.length;
    expect(await refused(spec)).toEqual(fields);
    expect(gateway.scheduler.asked).toHaveLength(before);
  });
  it('is refused where there is no spec', async () => {
    await expect(spawnWith({})).rejects.toMatchObject({ code: 'invalid' });
  });
  it('is refused with google.rpc.BadRequest where a number is beyond what can be read', async () => {
    const spec = Buffer.concat([
      BackendSpec.encode(BackendSpec.fromPartial({ image: 'a' })).finish(),
      Buffer.from([0x78, 255, 255, 255, 255, 255, 255, 255, 255, 127]),
    ]);
    const request = Buffer.concat([Buffer.from([0x0a, spec.length]), spec]);
    const answer = await grpcCall(gateway.grpcPort, '/spawner.v1.BackendService/SpawnBackend', request);
    expect(answer.status).toBe(3);
    expect(answer.details.toString('latin1')).toContain('type.googleapis.com/google.rpc.BadRequest');
    expect(answer.details.toString('latin1')).toContain('spec.idle_timeout_ms');
  });
  it('is refused where the bytes are no such message', async () => {
    const answer = await grpcCall(
      gateway.grpcPort,
      '/spawner.v1.BackendService/SpawnBackend',
      Buffer.from([0x0a, 0xff]),
    );
    expect(answer).toMatchObject({
      status: 3,
      message: 'the request is not a spawner.v1.SpawnBackendRequest',
    });
  });
  it('is refused where it is larger than 1 MiB', async () => {
    const env = { A: 'x'.repeat(2 * 1024 * 1024) };
    const spec = BackendSpec.fromPartial({ image: 'a', env });
    await expect(spawnWith({ spec })).rejects.toMatchObject({ code: 'exhausted' });
  });
  it.each([60, 20_000])(
    'is refused in trailers that every client takes, with %d wrong fields',
    async (count) => {
      const env = Object.fromEntries(Array.from({ length: count }, (_, index) => [`Ü=${index}`, '']));
      const request = SpawnBackendRequest.fromPartial({ spec: { image: 'a', env } });
      const bytes = SpawnBackendRequest.encode(request).finish();
      const answer = await grpcCall(gateway.grpcPort, '/spawner.v1.BackendService/SpawnBackend', bytes);
      expect(answer.status).toBe(3);
      expect(encodeURI(answer.message).length + answer.details.toString('base64').length).toBeLessThan(7_500);
      const error = await spawnWith(request).catch((thrown: unknown) => thrown);
      const { violations } = error as AppError;
      const told = violations.length - 1;
      expect(told).toBeGreaterThan(30);
      expect(violations.at(-1)).toEqual({ field: '', message: `and ${count - told} more` });
    },
  );
  it('is refused in lists, logs and ids', async () => {
    const list = (part: object) => backends.listBackends(ListBackendsRequest.fromPartial(part));
    await expect(list({ pageSize: 1_001 })).rejects.toMatchObject({ code: 'invalid' });
    await expect(list({ pageSize: -1 })).rejects.toMatchObject({ code: 'invalid' });
    await expect(list({ pageToken: 'zzz' })).rejects.toMatchObject({ code: 'invalid' });
    await expect(list({ states: [99] })).rejects.toMatchObject({ code: 'invalid' });
    await expect(backends.getBackend({ id: '' })).rejects.toMatchObject({ code: 'invalid' });
    const logs = backends.tailLogs({ id: NOBODY, follow: false, tailLines: -1 });
    await expect(logs.next()).rejects.toMatchObject({ code: 'invalid' });
  });
});

describe('what is not there', () => {
  it('is NOT_FOUND everywhere', async () => {
    const missing = { code: 'not_found' };
    await expect(backends.getBackend({ id: NOBODY })).rejects.toMatchObject(missing);
    await expect(backends.getBackend({ id: 'nope' })).rejects.toMatchObject(missing);
    await expect(backends.terminateBackend({ id: NOBODY, force: false })).rejects.toMatchObject(missing);
    await expect(backends.watchBackend({ id: NOBODY, afterRevision: 0 }).next()).rejects.toMatchObject(
      missing,
    );
    await expect(backends.tailLogs({ id: NOBODY, follow: true }).next()).rejects.toMatchObject(missing);
  });
});

describe('a spawn', () => {
  const askedSince = (before: number) => gateway.scheduler.asked.slice(before).map(({ id }) => id);
  it('is repeated with the same id if its outcome is unknown', async () => {
    const before = gateway.scheduler.asked.length;
    gateway.scheduler.failNext(new AppError('unavailable', 'Redis is away'));
    const { id } = await spawn('test/manual');
    expect(askedSince(before)).toEqual([id, id]);
  });
  it('fails if its repetition is lost, too', async () => {
    for (let n = 0; n < 2; n++) gateway.scheduler.failNext(new AppError('unavailable', 'Redis is away'));
    await expect(spawn('test/manual')).rejects.toMatchObject({
      code: 'unavailable',
      message: 'Redis is away',
    });
  });
  it('gets a new id after a drone refused the start, three in all', async () => {
    const before = gateway.scheduler.asked.length;
    for (let n = 0; n < 2; n++) gateway.scheduler.failNext(START_REFUSED);
    const { id } = await spawn('test/manual');
    const asked = askedSince(before);
    expect(new Set(asked).size).toBe(3);
    expect(asked.at(-1)).toBe(id);
    for (let n = 0; n < 3; n++) gateway.scheduler.failNext(START_REFUSED);
    await expect(spawn('test/manual')).rejects.toMatchObject({ code: 'unavailable' });
    expect(askedSince(before)).toHaveLength(6);
  });
  it('gets a new id after a start queue was full, and fails for want of room if all were', async () => {
    const before = gateway.scheduler.asked.length;
    const full = { ...NO_ROOM, sameId: false, detail: 'the start queue of drone drone-1 is full' };
    gateway.scheduler.failNext(full);
    const { id } = await spawn('test/manual');
    expect(askedSince(before)).toHaveLength(2);
    expect(askedSince(before).at(-1)).toBe(id);
    for (let n = 0; n < 3; n++) gateway.scheduler.failNext(full);
    await expect(spawn('test/manual')).rejects.toMatchObject({ code: 'exhausted', message: full.detail });
    expect(askedSince(before)).toHaveLength(5);
  });
  it('fails at once if no drone has room', async () => {
    const before = gateway.scheduler.asked.length;
    gateway.scheduler.failNext(NO_ROOM);
    await expect(spawn('test/manual')).rejects.toMatchObject({ code: 'exhausted' });
    expect(askedSince(before)).toHaveLength(1);
  });
});

describe('the fleet', () => {
  it('is listed', async () => {
    const fleet = createClient(FleetServiceService, `127.0.0.1:${gateway.grpcPort}`);
    expect((await fleet.listDrones({})).drones.map(({ id }) => id)).toEqual(['drone-1']);
    fleet.close();
  });
});

describe('a scheduler that is away', () => {
  it('is UNAVAILABLE, without its address', async () => {
    const away = await startGateway();
    const client = createClient(BackendServiceService, `127.0.0.1:${away.grpcPort}`);
    try {
      await away.scheduler[Symbol.asyncDispose]();
      await eventually(() =>
        expect(client.getBackend({ id: NOBODY })).rejects.toMatchObject({
          code: 'unavailable',
          message: 'the scheduler cannot be reached; try again',
        }),
      );
    } finally {
      client.close();
      await away[Symbol.asyncDispose]();
    }
  });
});
