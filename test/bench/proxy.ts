/**
 * What a request, a message and a handshake cost in the proxy and in its peers: processor time from /proc/<pid>/stat, and
 * the 99th percentile beside it, all in one run and in turns. Ours is the real program (`services/proxy/src/main.ts`, with
 * Redis, NATS and a scheduler that only registers), one process with its fast path and one without, as its image
 * starts it; the backend and the load are processes of their own.
 */
import { eventually, freePort, makeAuthority, request, startProgram } from '@spawner/testkit';
import { DOMAIN, startProxyWorld } from '../integration/proxy-fixture.ts';
import { asDeployed } from './as-deployed.ts';
import type { Figures } from './main.ts';
import { type Done, echoes, handshakes, processorTime, requests } from './proxy/load.ts';
import { type Peer, startPeers } from './proxy/peers.ts';
import { fillRoutes } from './proxy/routes.ts';

interface Target extends Peer {
  host: string;
}

interface Work {
  name: string;
  /** The peer that it is measured by, and at most how many times its cost it may have. */
  by: string;
  budget: number;
  load(target: Target): Promise<Done>;
}

interface Cost {
  micros: number[];
  p99Ms: number[];
}

const ROUNDS = Number(process.env.SPAWNER_BENCH_ROUNDS ?? 3);
const SECONDS = 2;
const BROWSER = [
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  'Accept-Encoding: gzip, deflate, br, zstd',
  'Accept-Language: en-GB,en;q=0.9,de;q=0.8',
  'Connection: keep-alive',
  'Cookie: session=0123456789abcdef0123456789abcdef0123456789abcdef; theme=dark; seen=1',
  'Referer: https://app.example/room/7',
  'Sec-Fetch-Dest: empty',
  'Sec-Fetch-Mode: cors',
  'Sec-Fetch-Site: same-origin',
  'Cache-Control: no-cache',
];

const WORKS: readonly Work[] = [
  {
    name: 'request, 128 B',
    by: 'nginx',
    budget: 1.5,
    load: ({ port, host }) => requests(port, host, '/128', SECONDS),
  },
  {
    name: "request, 128 B, a browser's head",
    by: 'nginx',
    budget: 1.5,
    load: ({ port, host }) => requests(port, host, '/128', SECONDS, BROWSER),
  },
  {
    name: 'request, 16 KiB',
    by: 'nginx',
    budget: 1.5,
    load: ({ port, host }) => requests(port, host, '/16384', SECONDS),
  },
  {
    name: 'WebSocket echo, 64 B',
    by: 'HAProxy',
    budget: 1.5,
    load: ({ port, host }) => echoes(port, host, 64, SECONDS),
  },
  {
    name: 'WebSocket echo, 4 KiB',
    by: 'HAProxy',
    budget: 1.5,
    load: ({ port, host }) => echoes(port, host, 4_096, SECONDS),
  },
  {
    name: 'TLS handshake, P-256',
    by: 'nginx',
    budget: 1.3,
    load: ({ httpsPort, host }) => handshakes(httpsPort, host, SECONDS),
  },
];
/** Only the works whose name has this in it; without it all, and the routes. */
const ONLY = process.env.SPAWNER_BENCH_WORK ?? '';
const WITH_ROUTES = [10_000, 100_000];

export async function bench(): Promise<Figures> {
  await using stack = new AsyncDisposableStack();
  const authority = stack.use(await makeAuthority('bench root'));
  const certificate = await authority.issue([`*.${DOMAIN}`]);
  const upstreamPort = await freePort();
  const file = new URL('./proxy/upstream.ts', import.meta.url).pathname;
  const ready = (line: string) => line === 'ready';
  stack.use(await startProgram({ command: process.execPath, args: [file, String(upstreamPort)], ready }));
  const { peers } = stack.use(await startPeers(upstreamPort, certificate));
  const targets: Target[] = peers.map((peer) => ({ ...peer, host: `a.${DOMAIN}` }));
  const ours = async (name: string, fastPath: string) => {
    const world = stack.use(
      await startProxyWorld({
        ...asDeployed('proxy'),
        SPAWNER_PROXY_FAST_PATH: fastPath,
        SPAWNER_PROXY_HTTPS: 'true',
        SPAWNER_PROXY_REDIRECT_TO_HTTPS: 'false',
      }),
    );
    world.certify(certificate);
    const { host } = await world.backend({ port: upstreamPort });
    await eventually(() => request({ port: world.httpsPort, host, tls: { ca: authority.caPem } }));
    targets.push({ name, host, port: world.port, httpsPort: world.httpsPort, pids: [world.proxy.pid] });
    return world;
  };
  const world = await ours('proxy', 'on');
  await ours('proxy, general path', 'off');

  const costs = new Map<string, Cost>();
  const works = WORKS.filter(({ name }) => name.includes(ONLY));
  // Once before it counts: programs of some kinds are quick only when they are warm.
  for (const work of works) for (const target of targets) await work.load(target);
  for (let round = 0; round < ROUNDS; round++)
    for (const work of works) for (const target of targets) await measure(costs, work, target);

  const figures: Record<string, number | string> = { rounds: ROUNDS, seconds: SECONDS };
  for (const work of works) table(work, targets, costs, figures);
  const fast = targets.find(({ name }) => name === 'proxy');
  if (fast && ONLY === '') await withManyRoutes(world, fast, costs, figures);
  return figures;
}

async function measure(costs: Map<string, Cost>, { name, load }: Work, target: Target): Promise<void> {
  const before = timeOf(target);
  const { done, p99Ms } = await load(target);
  const cost = costOf(costs, name, target.name);
  cost.micros.push((timeOf(target) - before) / done);
  if (p99Ms !== undefined) cost.p99Ms.push(p99Ms);
}

function timeOf({ pids }: Target): number {
  return pids.reduce((sum, pid) => sum + processorTime(pid), 0);
}

function costOf(costs: Map<string, Cost>, work: string, target: string): Cost {
  const key = `${work} ${target}`;
  const known = costs.get(key) ?? { micros: [], p99Ms: [] };
  costs.set(key, known);
  return known;
}

function table(
  { name, by, budget }: Work,
  targets: readonly Target[],
  costs: Map<string, Cost>,
  figures: Record<string, number | string>,
): void {
  const reference = median(costOf(costs, name, by).micros);
  console.log(`\n${name} (budget: ${budget} × ${by})`);
  const rows = targets.map((target) => {
    const { micros, p99Ms } = costOf(costs, name, target.name);
    const cost = median(micros);
    figures[key(name, target.name, 'us')] = round2(cost);
    figures[key(name, target.name, `to_${by}`)] = round2(cost / reference);
    const spread = `${round2(Math.min(...micros))}–${round2(Math.max(...micros))}`;
    return [
      target.name,
      {
        'µs of processor': round2(cost),
        spread,
        [`× ${by}`]: round2(cost / reference),
        'p99 ms': p99Ms.length === 0 ? '' : round2(median(p99Ms)),
      },
    ];
  });
  console.table(Object.fromEntries(rows));
}

/** The same requests with one route, then with more of them: the cost is to be the same. */
async function withManyRoutes(
  world: { redis: { url: string }; adminPort: number },
  target: Target,
  costs: Map<string, Cost>,
  figures: Record<string, number | string>,
): Promise<void> {
  const [work] = WORKS;
  if (!work) return;
  const rows: [string, object][] = [];
  for (const count of [1, ...WITH_ROUTES]) {
    if (count > 1) await fillRoutes(world.redis.url, world.adminPort, count);
    const name = `with ${count} routes`;
    for (let round = 0; round < ROUNDS; round++) await measure(costs, { ...work, name }, target);
    const { micros, p99Ms } = costOf(costs, name, target.name);
    figures[key(name, target.name, 'us')] = round2(median(micros));
    rows.push([name, { 'µs of processor': round2(median(micros)), 'p99 ms': round2(median(p99Ms)) }]);
  }
  console.table(Object.fromEntries(rows));
}

function key(...words: string[]): string {
  return words
    .join(' ')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_');
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function round2(value: number): number {
  return Math.round(value * 100) / 100;
}
