/**
 * A cold spawn with the image present, from SpawnBackend to the first byte through the proxy. Its baseline is the bare Docker API on
 * Docker's default bridge: create, start, first byte. The same on a network of its own is measured too, because that is how an
 * agent runs containers. The three are interleaved in an order that rotates, after equal warm-ups.
 */
import { request } from '@spawner/testkit';
import { startCluster } from '../cluster/cluster.ts';
import type { Figures, Options } from './benchmark.ts';
import { BareDocker } from './spawn/bare-docker.ts';
import { median, rotated, rounded } from './statistics.ts';

const ROUNDS = 20;
const QUICK_ROUNDS = 8;
const WARM_UPS = 2;
const IMAGE = 'spawner/probe:latest';

export async function bench({ quick }: Options): Promise<Figures> {
  const rounds = quick ? QUICK_ROUNDS : ROUNDS;
  await using cluster = await startCluster();
  const docker = new BareDocker(cluster.dockerSocket!, IMAGE);
  await docker.open();
  const ways = [
    { name: 'docker, default bridge', start: () => docker.startPlain(), times: [] as number[] },
    { name: 'docker, network of its own', start: () => docker.startAddressed(), times: [] as number[] },
    { name: 'spawner', start: () => spawn(cluster), times: [] as number[] },
  ];
  for (let round = -WARM_UPS; round < rounds; round++)
    for (const { start, times } of rotated(ways, round + WARM_UPS)) {
      const ms = await start();
      if (round >= 0) times.push(ms);
    }
  await docker.close();
  const [plain = Number.NaN, addressed = Number.NaN, spawner = Number.NaN] = ways.map(({ times }) =>
    median(times),
  );
  console.table(Object.fromEntries(ways.map(({ name, times }) => [name, summary(times)])));
  return {
    rounds,
    spawner_median_ms: rounded(spawner),
    docker_default_bridge_median_ms: rounded(plain),
    docker_own_network_median_ms: rounded(addressed),
    overhead_to_default_bridge_ms: rounded(spawner - plain),
    overhead_to_own_network_ms: rounded(spawner - addressed),
    to_default_bridge: rounded(spawner / plain, 2),
    to_own_network: rounded(spawner / addressed, 2),
  };
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
