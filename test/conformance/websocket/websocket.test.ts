/** Every case direct and through the proxy by each protocol, with the fast path and without: the outcomes are the same. */
import type { ClientHttp2Session } from 'node:http2';
import { type Authority, eventually, makeAuthority, request } from '@spawner/testkit';
import { DOMAIN, onGeneralPath, type ProxyWorld, startProxyWorld } from '../../integration/proxy-fixture.ts';
import { BASIC_CASES } from './basic-cases.ts';
import type { Case } from './case.ts';
import { DEFLATE_CASES } from './deflate-cases.ts';
import { type EchoServer, startEchoServer } from './echo-server.ts';
import { LARGE_CASES } from './large-cases.ts';
import { byHttp1, byHttp2, http2Session, type Open } from './routes.ts';
import { isEcho, type Outcome, play } from './session.ts';
import { TEXT_CASES } from './text-cases.ts';

let server: EchoServer;
let authority: Authority;
let direct: Open;
const worlds: ProxyWorld[] = [];
const sessions: ClientHttp2Session[] = [];
const routes: Record<string, Open> = {};
let count = 0;

beforeAll(async () => {
  server = await startEchoServer();
  authority = await makeAuthority('conformance root');
  direct = byHttp1(server.port, 'direct');
  await through('with the fast path');
  onGeneralPath();
  await through('without the fast path');
});
afterAll(async () => {
  for (const session of sessions) session.destroy();
  for (const world of worlds) await world[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
  await authority?.stop();
});

/** Starts a proxy and adds the three ways through it. */
async function through(how: string): Promise<void> {
  const world = await startProxyWorld({
    SPAWNER_PROXY_HTTPS: 'true',
    SPAWNER_PROXY_REDIRECT_TO_HTTPS: 'false',
  });
  worlds.push(world);
  const { host } = await world.backend(server);
  world.certify(await authority.issue([`*.${DOMAIN}`]));
  const { httpsPort } = world;
  await eventually(async () => (await secureStatus(httpsPort, host)) === 204);
  const session = await http2Session(httpsPort, host, authority.caPem);
  sessions.push(session);
  routes[`HTTP/1.1 ${how}`] = byHttp1(world.port, host);
  routes[`HTTP/1.1 over TLS ${how}`] = byHttp1(httpsPort, host, authority.caPem);
  routes[`HTTP/2 ${how}`] = byHttp2(session, host);
}

async function secureStatus(port: number, host: string): Promise<number> {
  const answer = await request({ port, host, tls: { ca: authority.caPem } }).catch(() => undefined);
  return answer?.status ?? 0;
}

async function outcomeOf(open: Open, one: Case): Promise<Outcome> {
  const path = `/${++count}`;
  const outcome = await play(await open(path, one.offer), one);
  return { ...outcome, seen: await server.sightOf(path) };
}

const isMessage = (line: string) => /^(?:text|binary) /.test(line);

describe.each([
  ['framing, control frames and closing', BASIC_CASES],
  ['texts', TEXT_CASES],
  ['large messages', LARGE_CASES],
  ['compressed messages', DEFLATE_CASES],
])('WebSocket %s', (_chapter, cases) => {
  it.each(cases.map((one) => [one.name, one] as const))('%s', async (_name, one) => {
    const expected = await outcomeOf(direct, one);
    // The suite itself is right about what a backend makes of it.
    expect(expected.heard.filter(isEcho)).toHaveLength(one.echoes);
    expect(expected.seen.filter(isMessage)).toHaveLength(one.echoes);
    expect(closeCode(expected)).toBe(one.closes);
    for (const [route, open] of Object.entries(routes))
      expect({ route, ...(await outcomeOf(open, one)) }).toEqual({ route, ...expected });
  });
});

/** The code of the close frame that came, 1005 where it had none, 1006 where none came. */
function closeCode({ heard }: Outcome): number {
  const payload = heard
    .map((line) => /^fin 0 8 ([0-9a-f]*)$/.exec(line)?.[1])
    .find((digits) => digits !== undefined);
  if (payload === undefined) return 1006;
  return payload === '' ? 1005 : Number.parseInt(payload.slice(0, 4), 16);
}
