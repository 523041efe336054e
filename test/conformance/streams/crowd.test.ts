/**
 * Ten thousand silent WebSockets that were opened together outlive their keep-alive. If all were probed in one rhythm, the
 * probes would come at once, most would be dropped, and after a minute the kernel would declare the connections dead.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { eventually, freePort, makeAuthority, type Program, request, startProgram } from '@spawner/testkit';
import { mostWebSockets, openWebSockets } from '../../bench/idle-websockets/crowd.ts';
import { DOMAIN, startProxyWorld } from '../../integration/proxy-fixture.ts';

const MOST = 10_000;
const COUNT = mostWebSockets(MOST);
/** The kernel finds a dead peer within 80 s (services/proxy/src/transports/tcp-keepalive.ts). */
const SILENT_MS = 90_000;

it(`${COUNT} idle WebSockets are all open after a minute and a half`, async () => {
  await using stack = new AsyncDisposableStack();
  const authority = stack.use(await makeAuthority('crowd root'));
  const backendPort = await freePort();
  stack.use(await started('test/bench/proxy/upstream.ts', [backendPort], 'ready'));
  const world = stack.use(
    await startProxyWorld({ SPAWNER_PROXY_HTTPS: 'true', SPAWNER_PROXY_REDIRECT_TO_HTTPS: 'false' }),
  );
  world.certify(await authority.issue([`*.${DOMAIN}`]));
  const { host } = await world.backend({ port: backendPort });
  await eventually(() => request({ port: world.httpsPort, host, tls: { ca: authority.caPem } }));
  stack.use(await started('test/bench/idle-websockets/client.ts', [world.httpsPort, host, COUNT], 'open'));
  const until = performance.now() + SILENT_MS;
  for (; performance.now() < until; await wait(1_000)) expect(await openWebSockets(world)).toBe(COUNT);
});

function started(file: string, args: (string | number)[], word: string): Promise<Program> {
  return startProgram({
    command: process.execPath,
    args: [file, ...args.map(String)],
    ready: (line) => line === word,
    readyTimeoutMs: 180_000,
  });
}
