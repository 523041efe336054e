/** An agent that keeps network sandboxes on an engine of its own, and the engine's and the kernel's own view of them. */
import { execFile } from 'node:child_process';
import { readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { BackendState } from '@spawner/proto/v1/backend';
import { type DockerDaemon, eventually, freePort, startDockerDaemon } from '@spawner/testkit';
import { buildImage } from '../../deploy/images/build.ts';
import { type AgentWorld, startAgentWorld } from '../integration/agent-harness.ts';
import { holdEngine } from '../integration/held-engine.ts';
import { EngineHolds } from './engine-holds.ts';

const { READY } = BackendState;
const SUBNET = '10.243.11.0/24';
const PREFIX = '10.243.11.';
/** The agent looks every 10 s, and a stranger has to be seen twice. */
export const SETTLED_WITHIN_MS = 60_000;

interface Container {
  readonly id: string;
  readonly state: string;
  /** Undefined for the holder of a sandbox. */
  readonly backend: string | undefined;
  readonly pid: number;
  readonly holder: string | undefined;
  /** The address of its endpoint on the drone's network. */
  readonly address: string;
}

export interface SandboxScene extends AsyncDisposable {
  readonly engine: DockerDaemon;
  readonly holds: EngineHolds;
  readonly world: AgentWorld;
  readonly network: string;
  docker(...args: string[]): Promise<string>;
  containers(): Promise<Container[]>;
  /** The labels of a sandbox of this drone, as arguments of `docker run`. */
  labels(): string[];
  /** How often the engine has created the container of each backend since this wall time. */
  creations(since: number): Promise<Map<string, number>>;
  /** The backend is READY, and the program that answers at its address is its own. */
  serves(id: string): Promise<void>;
  /** Nothing is there but these backends, each with one address, and the resting sandboxes. */
  isWhole(backends?: readonly string[]): Promise<void>;
}

export async function startSandboxScene(sandboxes: number, startsAtOnce = 16): Promise<SandboxScene> {
  await using stack = new AsyncDisposableStack();
  const engine = stack.use(await startDockerDaemon({ liveRestore: true }));
  const adminPort = await freePort();
  await buildImage({ name: 'probe', socketPath: engine.socketPath });
  const held = stack.use(await holdEngine(engine.socketPath));
  const holds = new EngineHolds(held, engine.socketPath);
  const world = stack.use(
    await startAgentWorld({
      SPAWNER_AGENT_RUNTIME: 'docker',
      SPAWNER_AGENT_ADMIN_PORT: String(adminPort),
      SPAWNER_AGENT_DOCKER_SOCKET: held.socketPath,
      SPAWNER_AGENT_DOCKER_SUBNET: SUBNET,
      SPAWNER_AGENT_PUBLISH_ADDRESS: '127.0.0.1',
      SPAWNER_AGENT_SANDBOXES: String(sandboxes),
      SPAWNER_AGENT_SANDBOXES_CPU_PERCENT: '100',
      SPAWNER_AGENT_STARTS_AT_ONCE: String(startsAtOnce),
    }),
  );
  stack.defer(() => holds.release({ lost: false }));
  const network = `spawner-test-${process.pid}`;
  const docker = async (...args: string[]) => {
    const { stdout } = await promisify(execFile)('docker', ['-H', `unix://${engine.socketPath}`, ...args]);
    return stdout.trim();
  };
  const containers = async () => {
    const ids = (await docker('ps', '--all', '--no-trunc', '--quiet')).split('\n').filter(Boolean);
    if (ids.length === 0) return [];
    const all = JSON.parse(await docker('inspect', ...ids)) as Inspected[];
    return all.map(({ Id, State, Config, HostConfig, NetworkSettings }) => ({
      id: Id,
      state: State.Status,
      pid: State.Pid,
      backend: Config.Labels['dev.spawner.backend'],
      holder: HostConfig.NetworkMode.startsWith('container:') ? HostConfig.NetworkMode.slice(10) : undefined,
      address: NetworkSettings.Networks[network]?.IPAddress ?? '',
    }));
  };

  /** The parts of the scene that are not as they should be. */
  const faults = async (backends: readonly string[]) => {
    const all = await containers();
    const running = all.filter(({ state }) => state === 'running');
    const programs = all.filter(({ backend }) => backend !== undefined);
    const used = new Set(programs.flatMap(({ holder }) => holder ?? []));
    const linked = all.filter(({ holder }) => holder === undefined);
    const byNamespace = new Map<string, string>();
    for (const { pid } of running)
      byNamespace.set(await readlink(`/proc/${pid}/ns/net`), await addressesIn(pid));
    const endpoints = linked.map(({ address }) => address).sort();
    const [inspected] = JSON.parse(await docker('network', 'inspect', network));
    const bridge = `br-${inspected.Id.slice(0, 12)}`;
    const ready = linked.filter(({ id, backend }) => !backend && !used.has(id)).length;
    // The demand of the last minutes may want more.
    expect(ready).toBeGreaterThanOrEqual(sandboxes);
    expect({
      states: [...new Set(all.map(({ state }) => state))],
      programs: programs.map(({ backend }) => backend).sort(),
      sandboxes: { ready, taken: used.size, discarded: 0 },
      endpoints: new Set(endpoints).size,
      inNamespaces: [...byNamespace.values()].sort(),
      inNetwork: addressesOf(inspected),
      links: await linksOf(bridge),
      published: await publishedTo(),
      networks: await docker('network', 'ls', '--filter', 'type=custom', '--format', '{{.Name}}'),
      marks: (await readdir(join(world.state.path, 'sandboxes'))).sort(),
    }).toEqual({
      states: ['running'],
      programs: [...backends].sort(),
      sandboxes: await counts(adminPort),
      endpoints: linked.length,
      inNamespaces: endpoints,
      inNetwork: endpoints,
      links: linked.length,
      published: endpoints,
      networks: network,
      marks: [...used].sort(),
    });
  };
  const kept = stack.move();
  return {
    engine,
    holds,
    world,
    network,
    docker,
    containers,
    labels: () =>
      Object.entries({
        managed: 'true',
        cluster: `test-${process.pid}`,
        drone: world.scheduler.node?.id ?? '',
        sandbox: 'true',
      }).flatMap(([name, value]) => ['--label', `dev.spawner.${name}=${value}`]),
    creations: async (since) => {
      const span = ['--since', String(since / 1_000), '--until', String(Date.now() / 1_000)];
      const backend = '{{index .Actor.Attributes "dev.spawner.backend"}}';
      const out = await docker('events', ...span, '--filter', 'event=create', '--format', backend);
      const created = new Map<string, number>();
      for (const id of out.split('\n').filter(Boolean)) created.set(id, (created.get(id) ?? 0) + 1);
      return created;
    },
    serves: async (id) => {
      const { local } = await world.reaches(id, READY);
      const answer = await fetch(`http://${local?.host}:${local?.port}/env`);
      expect(await answer.json()).toMatchObject({ SPAWNER_BACKEND_ID: id });
    },
    isWhole: (backends = []) =>
      eventually(() => faults(backends), { timeoutMs: SETTLED_WITHIN_MS, everyMs: 200 }),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

interface Inspected {
  Id: string;
  State: { Status: string; Pid: number };
  Config: { Labels: Record<string, string> };
  HostConfig: { NetworkMode: string };
  NetworkSettings: { Networks: Record<string, { IPAddress: string }> };
}

/** The agent's sandboxes by state, as it knows them itself. */
async function counts(adminPort: number): Promise<Record<string, number>> {
  const metrics = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
  const found = metrics.matchAll(/^spawner_agent_sandboxes\{[^}]*state="(\w+)"[^}]*\} (\d+)/gm);
  return Object.fromEntries([...found].map(([, state, count]) => [state, Number(count)]));
}

const run = async (command: string, ...args: string[]) =>
  (
    await promisify(execFile)(command, args, {
      env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
    })
  ).stdout;

/** The addresses that the kernel has in the network namespace of this process, but for the loopback one. */
async function addressesIn(pid: number): Promise<string> {
  const out = await run(
    'nsenter',
    '-t',
    String(pid),
    '-n',
    'ip',
    '-4',
    '-o',
    'address',
    'show',
    'scope',
    'global',
  );
  return [...out.matchAll(/inet ([\d.]+)/g)].map(([, address]) => address).join(' ');
}

function addressesOf(network: { Containers: Record<string, { IPv4Address: string }> }): string[] {
  return Object.values(network.Containers)
    .map(({ IPv4Address }) => IPv4Address.split('/')[0]!)
    .sort();
}

/** The links that this machine has on the bridge. */
async function linksOf(bridge: string): Promise<number> {
  const out = await run('ip', '-o', 'link', 'show', 'master', bridge);
  return out.split('\n').filter(Boolean).length;
}

/** The addresses to which rules of the firewall forward published ports. */
async function publishedTo(): Promise<string[]> {
  const out = await run('iptables', '-w', '-t', 'nat', '-S');
  return [...out.matchAll(/--to-destination ([\d.]+):/g)]
    .map(([, address]) => address!)
    .filter((address) => address.startsWith(PREFIX))
    .sort();
}
