/**
 * The delay from an agent's READY to the arrival of a held request at the backend. Redis, NATS, scheduler and proxy are real; the
 * drones report as an agent does. The table has 10,000 routes, or 2,000 in a quick run. Sessions come and go at random. Each is
 * one request that is held until its backend is READY. Both instants are read from this process's clock.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { backendHostname, newBackendId } from '@spawner/domain';
import { SpawnBackendRequest } from '@spawner/proto/internal/scheduler_service';
import { createLog } from '@spawner/service';
import { eventually, freePort, request } from '@spawner/testkit';
import { type ServiceHandle, startService } from '../cluster/service-process.ts';
import type { Figures, Options } from './benchmark.ts';
import { type ControlPlane, withControlPlane } from './control-plane/scene.ts';
import { type Backend, startBackend } from './routes/backend.ts';
import { Drones } from './routes/drones.ts';
import { percentile, rounded } from './statistics.ts';

const DOMAIN = 'bench.test';
const ROUTES = 10_000;
const QUICK_ROUTES = 2_000;
const DRONES = 10;
/** Route changes per second; the budget is for the first. A session's route changes three times: pending, open, ended. */
const CHANGES = [50, 150];
const CHANGES_OF_SESSION = 3;
const SECONDS = 30;
const QUICK_SECONDS = 10;
const WARM_UP_S = 5;
/** Time for the request to reach the proxy and be held. */
const HELD_MS = 150;

interface Scene extends Pick<ControlPlane, 'scheduler' | 'store' | 'keys'> {
  proxy: ServiceHandle;
  drones: Drones;
  backend: Backend;
}

export function bench({ quick }: Options): Promise<Figures> {
  const [seconds, routes] = quick ? [QUICK_SECONDS, QUICK_ROUTES] : [SECONDS, ROUTES];
  return withControlPlane(async (at) => {
    await using stack = new AsyncDisposableStack();
    const backend = stack.use(await startBackend());
    const drones = stack.use(
      await Drones.start({
        count: DRONES,
        scheduler: at.env.SPAWNER_SCHEDULER_ADDRESS ?? '',
        endpoint: { host: '127.0.0.1', port: backend.port },
        log: createLog('bench', 'silent'),
      }),
    );
    const proxy = await startProxy(at);
    stack.defer(() => proxy.stop());
    await at.spawn(routes);
    await eventually(() => drones.unheard === 0, { timeoutMs: 60_000 });
    await eventually(async () => (await routesOf(proxy)) >= routes, { timeoutMs: 60_000 });
    drones.holdBack();

    const scene = { ...at, proxy, drones, backend };
    await sessions(scene, CHANGES[0] ?? 0, WARM_UP_S);
    const figures: Record<string, number> = { routes, seconds };
    for (const rate of CHANGES) Object.assign(figures, await measured(scene, rate, seconds));
    return figures;
  });
}

async function measured(scene: Scene, rate: number, lasting: number): Promise<Record<string, number>> {
  const before = await changes(scene);
  const began = performance.now();
  const took = await sessions(scene, rate, lasting);
  const seconds = (performance.now() - began) / 1_000;
  const perSecond = rounded(((await changes(scene)) - before) / seconds);
  const p = (share: number) => rounded(percentile(took, share), 2);
  const [p50, p90, p99, max] = [p(0.5), p(0.9), p(0.99), rounded(Math.max(...took), 2)];
  const held = took.length;
  console.table({ [`READY to the backend, ms, at ${perSecond} changes/s`]: { held, p50, p90, p99, max } });
  const figures = { held, changes_per_s: perSecond, p50_ms: p50, p90_ms: p90, p99_ms: p99, max_ms: max };
  return Object.fromEntries(Object.entries(figures).map(([name, value]) => [`${name}_at_${rate}`, value]));
}

async function startProxy({ env }: ControlPlane): Promise<ServiceHandle> {
  const [http, admin] = [await freePort(), await freePort()];
  const proxy = await startService({
    name: 'proxy',
    service: 'proxy',
    ports: { SPAWNER_PROXY_HTTP_PORT: http, SPAWNER_PROXY_ADMIN_PORT: admin },
    env: {
      ...env,
      SPAWNER_CLUSTER_DOMAIN: DOMAIN,
      SPAWNER_PROXY_HTTP_PORT: String(http),
      SPAWNER_PROXY_ADMIN_PORT: String(admin),
      SPAWNER_PROXY_PUBLIC_ADDRESSES: '127.0.0.1',
    },
  });
  await proxy.ready();
  return proxy;
}

/** Begins sessions at random instants for so long; the milliseconds from READY to the backend of each. */
async function sessions(scene: Scene, rate: number, seconds: number): Promise<number[]> {
  const under: Promise<number>[] = [];
  let next = performance.now();
  for (const until = next + 1_000 * seconds; next < until; next += pauseMs(rate / CHANGES_OF_SESSION)) {
    await wait(Math.max(0, next - performance.now()));
    under.push(session(scene));
  }
  return Promise.all(under);
}

/** A pause between independent arrivals, exponentially distributed. */
function pauseMs(perSecond: number): number {
  return (-Math.log(1 - Math.random()) / perSecond) * 1_000;
}

async function session({ scheduler, proxy, drones, backend }: Scene): Promise<number> {
  const id = newBackendId(randomBytes);
  const spec = { image: 'registry.example.com/app:1', idleTimeoutMs: 300_000 };
  await scheduler.spawnBackend(SpawnBackendRequest.fromPartial({ id, spec }), { timeoutMs: 10_000 });
  await eventually(() => drones.isWaiting(id));
  const arrived = backend.asked(id);
  const answer = request({ port: proxy.port, host: backendHostname(id, DOMAIN) });
  await wait(HELD_MS);
  const readyAt = performance.now();
  drones.ready(id);
  const { status } = await answer;
  if (status !== 200) throw new Error(`a held request was answered ${status}`);
  const took = (await arrived) - readyAt;
  drones.end(id);
  return took;
}

/** The number of entries ever written to the log of route changes. */
async function changes({ store, keys }: Pick<ControlPlane, 'store' | 'keys'>): Promise<number> {
  return Number(await store.send(['HGET', keys.routeHead, 'n']));
}

async function routesOf(proxy: ServiceHandle): Promise<number> {
  return Number(/^spawner_proxy_routes\S* (\d+)/m.exec(await proxy.admin('/metrics'))?.[1] ?? 0);
}
