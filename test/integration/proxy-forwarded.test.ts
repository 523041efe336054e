/** The headers that tell backends about their clients, by both transports. Load balancers are believed in their own words. */
import { rawHttp, startUpstream, type Upstream } from '@spawner/testkit';
import { type ProxyWorld, startProxyWorld } from './proxy-fixture.ts';

describe.each(['on', 'off'])('forwarding headers, with the raw transport %s', (fastPath) => {
  let world: ProxyWorld;
  let upstream: Upstream;
  let host: string;

  beforeAll(async () => {
    upstream = await startUpstream();
    world = await startProxyWorld({
      SPAWNER_PROXY_FAST_PATH: fastPath,
      SPAWNER_PROXY_TRUSTED_ADDRESSES: '127.0.0.1',
    });
    ({ host } = await world.backend({ port: upstream.port }));
  });
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
    await upstream?.stop();
  });

  /** The headers that the backend gets with each of these requests, which come on one connection of a trusted address. */
  const seen = async (...requests: string[]): Promise<Record<string, string>[]> => {
    const last = requests.length - 1;
    const heads = requests.map((lines, at) => {
      const close = at === last ? 'Connection: close\r\n' : '';
      return `GET /headers HTTP/1.1\r\nHost: ${host}\r\n${lines}${close}\r\n`;
    });
    const answers = await rawHttp(world.port, heads.join(''));
    const bodies = answers.split('HTTP/1.1 200 ').slice(1);
    return bodies.map((answer) => JSON.parse(answer.slice(answer.indexOf('{'))).headers);
  };

  it.each([
    'X-Forwarded-Proto: https\r\n',
    'X-Forwarded-Proto: https,http\r\n',
    'X-Forwarded-Proto: https\r\nX-Forwarded-Proto: http\r\n',
    'X-Forwarded-Proto: HTTPS\r\n',
    'X-Forwarded-Proto: wss\r\n',
    'Forwarded: for=203.0.113.9;proto=https\r\n',
    'X-Forwarded-Ssl: on\r\n',
  ])('take %j of a trusted address for HTTPS', async (lines) => {
    const [headers] = await seen(lines);
    expect(headers).toMatchObject({ 'x-forwarded-proto': 'https' });
  });

  it('have the port that the client used, and no Forwarded of our own', async () => {
    const [headers] = await seen('');
    expect(headers).toMatchObject({ host, 'x-forwarded-host': host, 'x-forwarded-proto': 'http' });
    expect(headers?.['x-forwarded-port']).toBe(/:(\d+)$/.exec(host)?.[1] ?? '80');
    expect(headers).not.toHaveProperty('forwarded');
  });

  it('do not carry what was said of one client over to the next on the same connection', async () => {
    const [first, second, third] = await seen(
      'X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\n',
      '',
      'Forwarded: for=198.51.100.7\r\n',
    );
    expect(first).toMatchObject({
      'x-forwarded-for': '203.0.113.9, 127.0.0.1',
      'x-forwarded-proto': 'https',
    });
    expect(second).toMatchObject({ 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'http' });
    expect(third).toMatchObject({
      'x-forwarded-for': '198.51.100.7, 127.0.0.1',
      'x-forwarded-proto': 'http',
    });
  });
});
