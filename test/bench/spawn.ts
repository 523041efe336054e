/**
 * What Spawner adds to a cold start with the image present: SpawnBackend → first byte through the
 * proxy, against the bare Docker API doing create + start + first byte, interleaved in one run. The
 * overhead is told against both ways that Docker alone could do it.
 */
import { request } from '@spawner/testkit';
import { startCluster } from '../cluster/cluster.ts';
import { BareDocker } from './bare-docker.ts';
import type { Figures } from './main.ts';
import { median, rounded } from './statistics.ts';

const ROUNDS = 20;
const IMAGE = 'spawner/probe:latest';

export async function bench(): Promise<Figures> {
  await using cluster = await startCluster();
  const docker = new BareDocker(cluster.dockerSocket!, IMAGE);
  await docker.open();
  const spawner: number[] = [];
  const plain: number[] = [];
  const addressed: number[] = [];
  for (let round = -2; round < ROUNDS; round++) {
    const took = [await docker.startPlain(), await docker.startAddressed(), await spawn(cluster)] as const;
    if (round < 0) continue;
    for (const [index, times] of [plain, addressed, spawner].entries()) times.push(took[index]!);
  }
  await docker.close();
  const figures = {
    rounds: ROUNDS,
    spawner_median_ms: rounded(median(spawner)),
    docker_addressed_median_ms: rounded(median(addressed)),
    docker_plain_median_ms: rounded(median(plain)),
    overhead_ms: rounded(median(spawner) - median(addressed)),
    overhead_to_plain_ms: rounded(median(spawner) - median(plain)),
    budget_ms: 25,
  };
  console.table({
    'docker, default bridge': summary(plain),
    'docker, network of its own': summary(addressed),
    spawner: summary(spawner),
  });
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
    'min ms': rounded(sorted[0]!),
    'median ms': rounded(median(sorted)),
    'max ms': rounded(sorted.at(-1)!),
  };
}
