/**
 * A class begins: 20, 50 and then 200 people spawn at once on one drone, and each asks for its backend straight after. Settings
 * are the defaults, after a minute of rest. The peer is the bare Docker API, which starts the same containers on its default
 * bridge at its best concurrency. A session in use is asked all the while. A quick run has 20 only. `--work 20` measures one size alone, and
 * SPAWNER_BENCH_SANDBOXES sets the sandboxes that the drone keeps.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { readConfig } from '../../services/agent/src/config.ts';
import { type Cluster, startCluster } from '../cluster/cluster.ts';
import type { Figures, Options } from './benchmark.ts';
import { runBareHerd } from './herd/bare-herd.ts';
import { arrive, type Guest, leave, mostOutOfOrder } from './herd/crowd.ts';
import { MadeContainers } from './herd/made-containers.ts';
import { PeakMemory } from './herd/peak-memory.ts';
import { RunningSession } from './herd/running-session.ts';
import { BareDocker } from './spawn/bare-docker.ts';
import { median, rounded } from './statistics.ts';

const IMAGE = 'spawner/probe:latest';
const CROWD = 200;
const SINGLES = 5;

/** The two lengths of a run. `leaving` guests of the crowd leave while they wait, beyond those that stay. */
const FULL = { restMs: 60_000, sizes: [20, 50], atOnce: [2, 4, 8], crowd: { staying: CROWD, leaving: 20 } };
const QUICK = { restMs: 10_000, sizes: [20], atOnce: [2, 4], crowd: { staying: 24, leaving: 6 } };

interface Scene {
  readonly cluster: Cluster;
  readonly docker: BareDocker;
  readonly session: RunningSession;
  readonly rest: () => Promise<void>;
}

export async function bench({ quick, work }: Options): Promise<Figures> {
  const { restMs, sizes, atOnce, crowd } = quick ? QUICK : FULL;
  const wanted = (size: number | string) => work === undefined || work === String(size);
  const { SPAWNER_BENCH_SANDBOXES: sandboxes } = process.env;
  const env = sandboxes === undefined ? {} : { agent: { SPAWNER_AGENT_SANDBOXES: sandboxes } };
  await using cluster = await startCluster({ env });
  const docker = new BareDocker(cluster.dockerSocket!, IMAGE);
  const used = await cluster.spawnReady({ image: IMAGE, idleTimeoutMs: 0 });
  const session = new RunningSession(cluster, used.id);
  const scene: Scene = { cluster, docker, session, rest: () => wait(restMs) };
  const figures: Record<string, number> = { rest_ms: restMs };
  await scene.rest();
  const singleMs = await medianSingle(cluster);
  figures.single_ms = rounded(singleMs);
  for (const size of sizes.filter(wanted))
    Object.assign(figures, await beside(scene, size, atOnce, singleMs));
  if (wanted('crowd')) Object.assign(figures, await crowded(scene, crowd));
  session.close();
  return figures;
}

async function medianSingle(cluster: Cluster): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < SINGLES; round++) {
    const guests = await arrive(cluster, IMAGE, 1);
    times.push(guests[0]!.servedMs);
    await leave(cluster, guests);
    await wait(2_000);
  }
  return median(times);
}

/** The bare API's herds first: whatever the agent does in the background is done then. */
async function beside(scene: Scene, size: number, atOnce: readonly number[], singleMs: number) {
  const { cluster, docker, session, rest } = scene;
  const bare: { atOnce: number; wholeMs: number; p99Ms: number }[] = [];
  await rest();
  for (const each of atOnce) {
    const { result, p99Ms } = await session.during(runBareHerd(docker, size, each));
    bare.push({ ...result, p99Ms });
  }
  await rest();
  const { result: guests, p99Ms } = await session.during(arrive(cluster, IMAGE, size));
  await leave(cluster, guests);
  const best = bare.reduce((one, other) => (other.wholeMs < one.wholeMs ? other : one));
  const served = guests.filter(({ status }) => status === 200).map(({ servedMs }) => servedMs);
  const [firstMs, wholeMs] = [Math.min(...served), Math.max(...served)];
  const startsAtOnce = readConfig({}).startsAtOnce;
  console.table({
    ...Object.fromEntries(bare.map((herd) => [`docker, ${herd.atOnce} at once`, row(herd)])),
    [`spawner, ${size}`]: { ...row({ wholeMs, p99Ms }), 'first ms': rounded(firstMs) },
  });
  return {
    [`served_of_${size}`]: served.length,
    [`refused_of_${size}`]: countOf(guests, 503),
    [`first_ms_of_${size}`]: rounded(firstMs),
    [`first_to_single_of_${size}`]: rounded(firstMs / singleMs, 2),
    [`out_of_order_of_${size}`]: Math.max(0, mostOutOfOrder(guests) - startsAtOnce),
    [`whole_ms_of_${size}`]: rounded(wholeMs),
    [`docker_ms_of_${size}`]: rounded(best.wholeMs),
    [`docker_at_once_of_${size}`]: best.atOnce,
    [`whole_to_docker_of_${size}`]: rounded(wholeMs / best.wholeMs, 2),
    [`session_p99_ms_of_${size}`]: rounded(p99Ms),
    [`docker_session_p99_ms_of_${size}`]: rounded(best.p99Ms),
    [`session_p99_to_docker_of_${size}`]: rounded(p99Ms / best.p99Ms, 2),
  };
}

function row({ wholeMs, p99Ms }: { wholeMs: number; p99Ms: number }) {
  return { 'whole ms': rounded(wholeMs), 'p99 of a session in use, ms': rounded(p99Ms) };
}

/** So many that stay, and a few in the second half that leave as soon as they have their id. */
async function crowded({ cluster, session, rest }: Scene, { staying, leaving }: typeof FULL.crowd) {
  await rest();
  const all = staying + leaving;
  const leaves = (number: number) => number >= all / 2 && number % 2 === 0 && number < all / 2 + 2 * leaving;
  using made = await MadeContainers.follow(cluster.dockerSocket!);
  const { agent, proxy, scheduler } = cluster;
  const memory = [agent, proxy, scheduler].map(({ pid, service }) => ({
    service,
    peak: new PeakMemory(pid),
  }));
  const ends: Promise<unknown>[] = [];
  const cancel = (id: string, number: number) => leaves(number) && ends.push(cluster.terminate(id, true));
  const { result: guests, p99Ms } = await session.during(arrive(cluster, IMAGE, all, cancel));
  await Promise.all(ends);
  const stayed = guests.filter((_, number) => !leaves(number));
  if (stayed.some(({ id, status }) => status === 200 && !made.ids.has(id)))
    throw new Error('the engine did not tell of every container that it created');
  const states = await Promise.all(stayed.map(({ id }) => cluster.backend(id)));
  const growth = memory.map(({ service, peak }) => [`crowd_growth_mib_${service}`, rounded(peak.growth())]);
  return {
    crowd: stayed.length,
    crowd_lost: stayed.length - countOf(stayed, 200),
    crowd_not_ready: states.filter(({ state }) => state !== 'READY').length,
    crowd_cancelled: guests.length - stayed.length,
    crowd_cancelled_containers: guests.filter(({ id }, number) => leaves(number) && made.ids.has(id)).length,
    crowd_whole_ms: rounded(Math.max(...stayed.map(({ servedMs }) => servedMs))),
    crowd_session_p99_ms: rounded(p99Ms),
    ...(Object.fromEntries(growth) as Record<string, number>),
  };
}

function countOf(guests: readonly Guest[], status: number): number {
  return guests.filter((guest) => guest.status === status).length;
}
