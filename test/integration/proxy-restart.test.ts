import { text } from 'node:stream/consumers';
import { BackendState, EndReason } from '@spawner/proto/v1/backend';
import { eventually, freePort, rawHttp, request, startUpstream } from '@spawner/testkit';
import { type Ask, startThreeWays, type ThreeWays, WAYS, type Way } from './proxy-three-ways.ts';

/** Longer than a test needs to start the program again, so that only an early answer is a fault. */
const HOLD_MS = 20_000;
const NAVIGATION = { accept: 'text/html,*/*', 'sec-fetch-mode': 'navigate' };

let proxy: ThreeWays;

beforeAll(async () => {
  proxy = await startThreeWays({ SPAWNER_PROXY_RESTART_HOLD_MS: String(HOLD_MS) });
});
afterAll(() => proxy?.[Symbol.asyncDispose]());

/** A READY backend whose program does not listen now, known to the proxy. */
async function restarting() {
  const port = await freePort();
  const { id, host } = proxy.world.name();
  await proxy.world.ready(id, port);
  await eventually(async () => {
    const { status } = await proxy.world.get(host, '/', { prefer: 'wait=0' });
    expect(status).toBe(502);
  });
  return { id, host, port };
}

/** Sends a request without a body, and reads the whole answer. */
async function ask(way: Way, what: Ask) {
  const { body, answered } = proxy.ask(way, what);
  body.end();
  const { status, headers, body: answer } = await answered;
  return { status, headers, body: await text(answer) };
}

const held = async (id: string) => (await proxy.world.settle(id)).open;

describe('a program that restarts while its backend is READY', () => {
  it.each(WAYS)('finds the requests that came meanwhile, by %s', async (way) => {
    const { id, host, port } = await restarting();
    const asked = ask(way, { host, path: '/name' });
    // Open and held: an agent that asks before an idle shutdown finds it.
    await eventually(async () => expect(await held(id)).toBe(2));
    await using _program = await startUpstream({ port, hello: 'back again' });
    expect(await asked).toMatchObject({ status: 200, body: 'back again' });
    await eventually(async () => expect(await held(id)).toBe(0));
  });

  it.each(['HEAD', 'OPTIONS', 'PUT', 'DELETE'])('finds %s without a body', async (method) => {
    const { id, host, port } = await restarting();
    const asked = request({ port: proxy.world.port, host, method, path: '/status/204' });
    await eventually(async () => expect(await held(id)).toBe(2));
    await using program = await startUpstream({ port });
    expect((await asked).status).toBe(204);
    expect(program.seen).toEqual([`${method} /status/204`]);
  });

  it.each(WAYS)('gives a browser a page that tries again, at once, by %s', async (way) => {
    const { host } = await restarting();
    const from = performance.now();
    const { status, headers, body } = await ask(way, { host, path: '/', headers: NAVIGATION });
    expect(performance.now() - from).toBeLessThan(HOLD_MS / 2);
    expect([status, headers['retry-after']]).toEqual([502, '1']);
    expect(body).toContain("<h1>Your session's program is restarting</h1>");
    expect(body).toContain('http-equiv="refresh"');
  });

  it.each([
    ['POST', {}],
    ['PUT', { body: 'a body' }],
  ])('refuses %s at once, which would not be safe to keep', async (method, more) => {
    const { host } = await restarting();
    const from = performance.now();
    const answer = await request({ port: proxy.world.port, host, method, ...more });
    expect(performance.now() - from).toBeLessThan(HOLD_MS / 2);
    expect([answer.status, answer.headers['retry-after']]).toEqual([502, '1']);
    expect(JSON.parse(answer.body).code).toBe('UNAVAILABLE');
  });

  it('refuses a WebSocket at once, and says when to come again', async () => {
    const { host } = await restarting();
    const handshake = `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n`;
    const opening = `${handshake}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${'A'.repeat(22)}==\r\n\r\n`;
    expect(await rawHttp(proxy.world.port, opening)).toMatch(/^HTTP\/1\.1 502 .*\r\nRetry-After: 1\r\n/is);
  });

  it.each(WAYS)('holds a request no longer than its client likes, by %s', async (way) => {
    const { id, host } = await restarting();
    const from = performance.now();
    const { status, headers } = await ask(way, { host, path: '/', headers: { prefer: 'wait=1' } });
    expect(performance.now() - from).toBeGreaterThan(900);
    expect([status, headers['retry-after'], headers['x-spawner-state']]).toEqual([502, '1', 'READY']);
    await eventually(async () => expect(await held(id)).toBe(0));
  });

  it.each(WAYS)('holds a request until its backend has ended, by %s', async (way) => {
    const { id, host } = await restarting();
    const asked = ask(way, { host, path: '/' });
    await eventually(async () => expect(await held(id)).toBe(2));
    await proxy.world.ended(id, BackendState.TERMINATED, EndReason.FAILED);
    const { status, body } = await asked;
    expect([status, JSON.parse(body).reason]).toEqual([410, 'FAILED']);
  });

  it.each(WAYS)('holds no request of a client that has left, by %s', async (way) => {
    const { id, host } = await restarting();
    const { body, answered, leave } = proxy.ask(way, { host, path: '/' });
    answered.catch(() => {});
    body.end();
    await eventually(async () => expect(await held(id)).toBe(2));
    leave();
    await eventually(async () => expect(await held(id)).toBe(0), { timeoutMs: HOLD_MS / 2 });
  });
});
