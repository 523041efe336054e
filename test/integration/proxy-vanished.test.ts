/** Peers that go without a word while data is on its way to them, and readers that only pause. */
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { RouteState } from '@spawner/proto/internal/route';
import { BackendState } from '@spawner/proto/v1/backend';
import { eventually, startUpstream, startVanishing, type Upstream, type Vanishing } from '@spawner/testkit';
import { type ProxyWorld, startProxyWorld } from './proxy-fixture.ts';

const LIMIT_MS = 2_000;
/** Far less than keep-alive's minute, and much less than the kernel's quarter of an hour. */
const FOUND_WITHIN_MS = 40_000;
const DOWNLOAD_BYTES = 64 * 1024 * 1024;

describe('a peer that vanishes with data on its way', () => {
  let world: ProxyWorld;
  let vanishing: Vanishing;
  let upstream: Upstream;
  beforeAll(async () => {
    world = await startProxyWorld({ SPAWNER_PROXY_UNACKNOWLEDGED_TIMEOUT_MS: String(LIMIT_MS) });
    vanishing = await startVanishing();
    upstream = await startUpstream();
  });
  afterAll(async () => {
    await upstream?.stop();
    await vanishing?.[Symbol.asyncDispose]();
    await world?.[Symbol.asyncDispose]();
  });

  const open = async (id: string) => (await world.settle(id)).open;
  const begin = (host: string, path: string, options: object = {}): ClientRequest => {
    const { port } = world;
    return httpRequest({ host: '127.0.0.1', port, path, headers: { host }, agent: false, ...options });
  };
  const answered = (outgoing: ClientRequest) =>
    new Promise<IncomingMessage>((resolve, reject) =>
      outgoing.once('response', resolve).once('error', reject),
    );

  it('is no user any more soon after its limit', async () => {
    const { id, host } = await world.backend(upstream);
    const localAddress = vanishing.address();
    const outgoing = begin(host, '/sse?ms=50', { localAddress });
    outgoing.on('error', () => {});
    outgoing.end();
    const answer = await answered(outgoing);
    answer.on('error', () => {});
    answer.resume();
    expect(await open(id)).toBe(1);
    await vanishing.vanish(localAddress);
    await eventually(async () => (await open(id)) === 0, { timeoutMs: FOUND_WITHIN_MS });
    outgoing.destroy();
  });

  it('and is a backend: its user gets an error', async () => {
    const address = vanishing.address();
    await using gone = await startUpstream({ address });
    const { id, host } = world.name();
    await world.route(id, {
      state: RouteState.OPEN,
      backendState: BackendState.READY,
      local: { host: address, port: gone.port },
    });
    await eventually(async () => (await world.get(host, '/status/204')).status === 204);
    const outgoing = begin(host, '/echo', { method: 'POST' });
    const failed = new Promise((resolve) => outgoing.once('error', resolve).once('close', resolve));
    const sending = setInterval(() => outgoing.write('more'), 50);
    const answer = await answered(outgoing);
    answer.on('error', () => {}).resume();
    await vanishing.vanish(address);
    await eventually(() => failed, { timeoutMs: FOUND_WITHIN_MS });
    clearInterval(sending);
    await eventually(async () => (await open(id)) === 0);
  });

  it('is not a peer that pauses for longer than that and then reads on', async () => {
    const { id, host } = await world.backend(upstream);
    const outgoing = begin(host, `/download?bytes=${DOWNLOAD_BYTES}`);
    outgoing.end();
    const answer = await answered(outgoing);
    answer.pause();
    await pause(3 * LIMIT_MS);
    expect(await open(id)).toBe(1);
    let bytes = 0;
    for await (const chunk of answer) bytes += (chunk as Buffer).length;
    expect(bytes).toBe(DOWNLOAD_BYTES);
  });
});
