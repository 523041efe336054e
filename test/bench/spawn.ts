/**
 * What Spawner adds to a cold start with the image present: SpawnBackend → first byte through the
 * proxy, against the bare Docker API doing create + start + first byte, interleaved in one run.
 */
import { request } from '@spawner/testkit';
import { startCluster } from '../cluster/cluster.ts';
import { BareDocker } from './bare-docker.ts';
import type { Figures } from './main.ts';

const ROUNDS = 20;
const IMAGE = 'spawner/probe:latest';

export async function bench(): Promise<Figures> {
  await using cluster = await startCluster();
  const docker = new BareDocker(cluster.dockerSocket!, IMAGE);
  const spawner: number[] = [];
  const bare: number[] = [];
  for (let round = -2; round < ROUNDS; round++) {
    const one = await docker.start();
    const other = await spawn(cluster);
    if (round < 0) continue;
    bare.push(one);
    spawner.push(other);
  }
  docker.close();
  const figures = {
    rounds: ROUNDS,
    spawner_median_ms: round1(median(spawner)),
    docker_median_ms: round1(median(bare)),
    overhead_ms: round1(median(spawner) - median(bare)),
    budget_ms: 25,
  };
  console.table({ spawner: summary(spawner), docker: summary(bare) });
  return figures;
}

type Cluster = Awaited<ReturnType<typeof startCluster>>;

async function spawn(cluster: Cluster): Promise<number> {
  const begin = performance.now();
  const { id } = await cluster.spawn({ image: IMAGE, idleTimeoutMs: 0 });
  const answer = await request({
    port: cluster.proxy.port,
    host: `${id}.${cluster.domain}`,
    timeoutMs: 30_000,
  });
  const took = performance.now() - begin;
  if (answer.status !== 200)
    throw new Error(`the first request was answered ${answer.status}: ${answer.body}`);
  await cluster.terminate(id, true);
  await cluster.inState(id, 'TERMINATED');
  return took;
}

function summary(times: number[]) {
  const sorted = [...times].sort((a, b) => a - b);
  return {
    'min ms': round1(sorted[0]!),
    'median ms': round1(median(sorted)),
    'max ms': round1(sorted.at(-1)!),
  };
}

function median(times: number[]): number {
  const sorted = [...times].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 ? sorted[Math.floor(middle)]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function round1(value: number): number {
  return Math.round(value * 10) / 10;
}
