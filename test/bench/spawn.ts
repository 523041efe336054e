/**
 * A cold spawn with the image present, from SpawnBackend to the first byte through the proxy: with a network sandbox ready, and on
 * a drone that makes none. The baseline of the first is the bare Docker API on Docker's default bridge: create, start, first byte.
 * That of the second is the same on a network of its own, because the agent then has to get one too. The four are interleaved in
 * an order that rotates, after equal warm-ups. The wait for sandboxes between two of them is not measured.
 */
import { request, startDocker } from '@spawner/testkit';
import { startCluster } from '../cluster/cluster.ts';
import type { Figures, Options } from './benchmark.ts';
import { BareDocker } from './spawn/bare-docker.ts';
import { untilSandboxesReady } from './spawn/ready-sandboxes.ts';
import { median, rotated, rounded } from './statistics.ts';

const ROUNDS = 20;
const QUICK_ROUNDS = 6;
const WARM_UPS = 2;
/** More than the spawns of 20 s, so that the agent never wants another number. */
const SANDBOXES = 8;
const IMAGE = 'spawner/probe:latest';

export async function bench({ quick }: Options): Promise<Figures> {
  const rounds = quick ? QUICK_ROUNDS : ROUNDS;
  await using engine = await startDocker();
  await using cluster = await startCluster({ docker: engine, env: { agent: keeping(SANDBOXES) } });
  await using plain = await startCluster({ docker: engine, env: { agent: keeping(0) } });
  const docker = new BareDocker(engine.socketPath, IMAGE);
  await docker.open();
  const ways = [
    { name: 'docker, default bridge', start: () => docker.startPlain(), times: [] as number[] },
    { name: 'docker, network of its own', start: () => docker.startAddressed(), times: [] as number[] },
    { name: 'spawner, sandbox ready', start: () => spawn(cluster), times: [] as number[] },
    { name: 'spawner, without sandboxes', start: () => spawn(plain), times: [] as number[] },
  ];
  for (let round = -WARM_UPS; round < rounds; round++)
    for (const { start, times } of rotated(ways, round + WARM_UPS)) {
      await untilSandboxesReady(cluster.agent, SANDBOXES);
      const ms = await start();
      if (round >= 0) times.push(ms);
    }
  await docker.close();
  const [bridge, addressed, sandboxed, direct] = ways.map(({ times }) => median(times)) as Medians;
  console.table(Object.fromEntries(ways.map(({ name, times }) => [name, summary(times)])));
  return {
    rounds,
    spawner_median_ms: rounded(sandboxed),
    spawner_without_sandbox_median_ms: rounded(direct),
    docker_default_bridge_median_ms: rounded(bridge),
    docker_own_network_median_ms: rounded(addressed),
    to_default_bridge: rounded(sandboxed / bridge, 2),
    without_sandbox_to_own_network: rounded(direct / addressed, 2),
  };
}

type Medians = [bridge: number, addressed: number, sandboxed: number, direct: number];

const keeping = (sandboxes: number) => ({ SPAWNER_AGENT_SANDBOXES: String(sandboxes) });

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
