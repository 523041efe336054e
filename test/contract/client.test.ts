import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Backend, BackendEndedError, Spawner } from '@spawner/client';
import { BackendState } from '@spawner/proto/v1/backend';
import { startGateway, type TestGateway } from './gateway.ts';

let gateway: TestGateway;
let spawner: Spawner;
beforeAll(async () => {
  gateway = await startGateway();
  spawner = new Spawner({ url: `${gateway.url}/` });
});
afterAll(() => gateway[Symbol.asyncDispose]());

async function all<T>(from: AsyncIterable<T>): Promise<T[]> {
  const parts: T[] = [];
  for await (const part of from) parts.push(part);
  return parts;
}
const statesOf = (backends: readonly Backend[]) => backends.map(({ state }) => state);

describe('the SDK', () => {
  it('spawns, waits for READY, reads logs, ends, and watches to the end', async () => {
    const spawned = await spawner.spawn({ image: 'test/web', labels: { who: 'sdk' }, idleTimeoutMs: 0 });
    expect(spawned).toMatchObject({
      state: 'SCHEDULED',
      idleTimeoutMs: 0,
      url: expect.stringContaining(spawned.id),
    });
    expect(await spawner.untilReady(spawned.id)).toMatchObject({ id: spawned.id, state: 'READY' });
    expect((await all(spawner.logs(spawned.id, { tail: 1 }))).map(({ text }) => text)).toEqual(['world']);
    expect(await spawner.terminate(spawned.id)).toMatchObject({
      state: 'TERMINATED',
      endReason: 'REQUESTED',
    });
    expect(statesOf(await all(spawner.watch(spawned.id)))).toEqual([
      ...['SCHEDULED', 'LOADING', 'STARTING', 'WAITING', 'READY', 'TERMINATING', 'TERMINATED'],
    ]);
    expect(await all(spawner.watch(spawned.id, { afterRevision: 7 }))).toEqual([]);
    expect(await spawner.get(spawned.id)).toMatchObject({ state: 'TERMINATED' });
  });

  it('explains', async () => {
    const { id } = await spawner.spawn({ image: 'test/manual' });
    expect(await spawner.explain(id)).toMatchObject({
      backend: { id },
      summary: 'It is test/manual.',
      clocks: [{ name: 'IDLE', remainingMs: 10_000 }],
      placement: { droneId: 'drone-1', candidates: { known: 2 } },
    });
  });

  it('lists over pages, and only what fits', async () => {
    const labels = { page: String(process.pid) };
    for (let n = 0; n < 5; n++) await spawner.spawn({ image: 'test/manual', labels });
    const pages = await all(spawner.list({ labels, states: ['SCHEDULED'], pageSize: 2 }));
    expect(new Set(pages.map(({ id }) => id)).size).toBe(5);
    expect(await all(spawner.list({ labels, states: ['READY'] }))).toEqual([]);
  });

  it('lists the drones', async () => {
    expect(await spawner.drones()).toMatchObject([{ id: 'drone-1', state: 'READY' }]);
  });

  it('throws what the gateway said, with its fields', async () => {
    await expect(spawner.spawn({ image: '', port: 0 })).rejects.toMatchObject({
      name: 'SpawnerError',
      code: 'INVALID_ARGUMENT',
      status: 400,
      details: [{ field: 'spec.image' }, { field: 'spec.port' }],
    });
    await expect(spawner.get('nope')).rejects.toMatchObject({ code: 'NOT_FOUND', status: 404 });
    await expect(all(spawner.watch('nope'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('throws why a backend ended that was waited for', async () => {
    const { id } = await spawner.spawn({ image: 'test/missing' });
    const error = await spawner.untilReady(id).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(BackendEndedError);
    expect(error).toMatchObject({ backend: { endReason: 'LOAD_ERROR', endDetail: 'manifest unknown' } });
    await expect(spawner.untilReady(id)).rejects.toBeInstanceOf(BackendEndedError);
  });

  it('stops waiting at its deadline, and when it is aborted', async () => {
    const { id } = await spawner.spawn({ image: 'test/manual' });
    await expect(spawner.untilReady(id, { timeoutMs: 50 })).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
    });
    const reason = new Error('enough');
    const stop = new AbortController();
    const waiting = spawner.untilReady(id, { signal: stop.signal });
    stop.abort(reason);
    await expect(waiting).rejects.toBe(reason);
  });

  it('reports that there is no gateway', async () => {
    await expect(new Spawner({ url: 'http://127.0.0.1:1' }).get('x')).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      status: 0,
    });
    expect(() => new Spawner({ url: 'nonsense' })).toThrow(TypeError);
  });

  it('follows a backend over connections that break, and repeats nothing', async () => {
    const { id } = await spawner.spawn({ image: 'test/manual' });
    const { relay, url, cuts } = await startCuttingRelay(gateway.httpPort);
    const seen: string[] = [];
    for await (const { state } of new Spawner({ url }).watch(id)) {
      seen.push(state);
      if (state === 'SCHEDULED') gateway.scheduler.advance(id, BackendState.LOADING);
      if (state === 'LOADING') gateway.scheduler.advance(id, BackendState.READY);
      if (state === 'READY') gateway.scheduler.advance(id, BackendState.TERMINATED);
    }
    relay.close();
    expect(seen).toEqual(['SCHEDULED', 'LOADING', 'READY', 'TERMINATED']);
    expect(cuts()).toBeGreaterThan(0);
  });
});

/** Passes requests on, and cuts each connection after the first event on it. */
async function startCuttingRelay(port: number): Promise<{ relay: Server; url: string; cuts: () => number }> {
  let cuts = 0;
  const relay = createServer(async (request, response) => {
    const id = request.headers['last-event-id'];
    const headers = typeof id === 'string' ? { 'last-event-id': id } : undefined;
    const answer = await fetch(`http://127.0.0.1:${port}${request.url}`, { headers });
    response.writeHead(answer.status, { 'content-type': 'text/event-stream' });
    const decoder = new TextDecoder();
    for await (const chunk of answer.body ?? []) {
      const text = decoder.decode(chunk, { stream: true });
      response.write(text);
      if (!text.includes('data:')) continue;
      cuts += 1;
      break;
    }
    setImmediate(() => response.destroy());
  });
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
  return { relay, url: `http://127.0.0.1:${(relay.address() as AddressInfo).port}`, cuts: () => cuts };
}
