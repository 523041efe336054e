/**
 * Memory of the proxy per idle WebSocket over TLS: the growth of its resident size with all of them open, divided by their number.
 * The first size is the smaller of two: before any of them connects, and after 500 have come and gone. The proxy runs with and
 * without the raw transport, beside a bare relay, which is what Node itself takes. Ours is the real program with the allocator and
 * options of its image; so is the relay. Users and backend are separate processes.
 */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import {
  type Certificate,
  eventually,
  freePort,
  makeAuthority,
  request,
  startProgram,
  tempDir,
} from '@spawner/testkit';
import { DOMAIN, type ProxyWorld, startProxyWorld } from '../integration/proxy-fixture.ts';
import { asDeployed } from './as-deployed.ts';
import type { Figures, Options } from './benchmark.ts';
import { descriptors, mostWebSockets, openWebSockets } from './idle-websockets/crowd.ts';
import { rounded } from './statistics.ts';

const WANTED = 10_000;
const QUICK_WANTED = 5_000;
const WARM_UP = 500;
const OPEN_WITHIN_MS = 180_000;
const SETTLE_MS = 20_000;
const QUICK_SETTLE_MS = 6_000;

export async function bench({ quick }: Options): Promise<Figures> {
  await using stack = new AsyncDisposableStack();
  const authority = stack.use(await makeAuthority('bench root'));
  const certificate = await authority.issue([`*.${DOMAIN}`]);
  const backendPort = await freePort();
  const file = new URL('./proxy/upstream.ts', import.meta.url).pathname;
  const ready = (line: string) => line === 'ready';
  stack.use(await startProgram({ command: process.execPath, args: [file, String(backendPort)], ready }));
  const deployed = asDeployed('proxy');
  const wanted = Number(process.env.SPAWNER_BENCH_WEBSOCKETS ?? (quick ? QUICK_WANTED : WANTED));
  const count = mostWebSockets(wanted);
  const settleMs = quick ? QUICK_SETTLE_MS : SETTLE_MS;
  const figures: Record<string, number> = { websockets: count, descriptors: descriptors() };
  const rows: Record<string, object> = {};
  const note = (name: string, { before, after }: Sizes) => {
    const each = rounded((after - before) / count);
    figures[`kib_each_${name.replaceAll(' ', '_')}`] = each;
    rows[name] = { 'before, KiB': before, 'open, KiB': after, 'KiB each': each };
  };
  note('bare relay', await sizesOfRelay(certificate, backendPort, count, settleMs, deployed));
  for (const path of quick ? ['on'] : ['on', 'off']) {
    await using world = await startProxyWorld({
      ...deployed,
      SPAWNER_PROXY_FAST_PATH: path,
      SPAWNER_PROXY_HTTPS: 'true',
      SPAWNER_PROXY_REDIRECT_TO_HTTPS: 'false',
    });
    world.certify(certificate);
    const { host } = await world.backend({ port: backendPort });
    await eventually(() => request({ port: world.httpsPort, host, tls: { ca: authority.caPem } }));
    const target = { pid: world.proxy.pid, port: world.httpsPort, host };
    note(`fast path ${path}`, await sizes(target, count, settleMs, () => areOpen(world, count)));
  }
  console.table(rows);
  return figures;
}

interface Target {
  pid: number;
  port: number;
  host: string;
}

/** Resident size in KiB, without WebSockets and with all of them open. */
interface Sizes {
  before: number;
  after: number;
}

async function sizes(
  target: Target,
  count: number,
  settleMs: number,
  check: () => Promise<void>,
): Promise<Sizes> {
  await wait(settleMs);
  const fresh = residentKiB(target.pid);
  await withUsers(target, WARM_UP, async () => {});
  await wait(settleMs);
  // A fresh program may hold garbage from its start, a used one memory from its users. The smaller size flatters less.
  const before = Math.min(fresh, residentKiB(target.pid));
  const after = await withUsers(target, count, async () => {
    await wait(settleMs);
    await check();
    return residentKiB(target.pid);
  });
  return { before, after };
}

async function areOpen(world: ProxyWorld, count: number): Promise<void> {
  const open = await openWebSockets(world);
  if (open !== count) throw new Error(`the proxy has ${open} WebSockets open, and not ${count}`);
}

async function sizesOfRelay(
  certificate: Certificate,
  backendPort: number,
  count: number,
  settleMs: number,
  env: Record<string, string>,
): Promise<Sizes> {
  await using dir = await tempDir('relay');
  const [cert, key, port] = [join(dir.path, 'cert.pem'), join(dir.path, 'key.pem'), await freePort()];
  await Promise.all([writeFile(cert, certificate.certPem), writeFile(key, certificate.keyPem)]);
  const file = new URL('./idle-websockets/bare-relay.ts', import.meta.url).pathname;
  await using relay = await startProgram({
    command: process.execPath,
    args: [file, String(port), cert, key, String(backendPort)],
    env,
    ready: (line) => line === 'ready',
  });
  return await sizes({ pid: relay.pid, port, host: `a.${DOMAIN}` }, count, settleMs, async () => {});
}

async function withUsers<T>({ port, host }: Target, count: number, then: () => Promise<T>): Promise<T> {
  await using users = await startProgram({
    command: process.execPath,
    args: [
      new URL('./idle-websockets/client.ts', import.meta.url).pathname,
      ...[port, host, count].map(String),
    ],
    ready: (line) => line === 'open',
    readyTimeoutMs: OPEN_WITHIN_MS,
  });
  const result = await then();
  await users.stop();
  return result;
}

function residentKiB(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}
