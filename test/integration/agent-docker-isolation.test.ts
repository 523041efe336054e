import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { BackendState } from '@spawner/proto/v1/backend';
import { type Docker, eventually, startDocker } from '@spawner/testkit';
import { buildImage } from '../../deploy/images/build.ts';
import { removeLabelled } from '../../deploy/local/parts/docker.ts';
import { type AgentWorld, startAgentWorld } from './agent-harness.ts';

const { READY, TERMINATED } = BackendState;

/** Prints "connected", or the error of the connection. A dropped packet is a timeout after 2 s. */
const CONNECT = `
const [, host, port] = process.argv;
const socket = require('node:net').connect({ host, port: Number(port), timeout: 2_000 });
const end = (outcome) => { console.log(outcome); process.exit(0); };
socket.once('connect', () => end('connected'));
socket.once('timeout', () => end('timeout'));
socket.once('error', ({ code }) => end(code));
`;

describe.each([
  ['with addresses of their own', '0'],
  ['in sandboxes', '2'],
])('two backends on one Docker network, %s', (_, sandboxes) => {
  const cluster = `isolation-${process.pid}-${sandboxes}`;
  let engine: Docker;
  let world: AgentWorld;
  const docker = async (...args: string[]) => {
    const { stdout } = await promisify(execFile)('docker', ['-H', `unix://${engine.socketPath}`, ...args]);
    return stdout.trim();
  };

  beforeAll(async () => {
    engine = await startDocker();
    await buildImage({ name: 'probe', socketPath: engine.socketPath });
    world = await startAgentWorld({
      SPAWNER_CLUSTER: cluster,
      SPAWNER_AGENT_RUNTIME: 'docker',
      SPAWNER_AGENT_DOCKER_SOCKET: engine.socketPath,
      SPAWNER_AGENT_DOCKER_SUBNET: '10.242.9.0/24',
      SPAWNER_AGENT_SANDBOXES: sandboxes,
    });
  });

  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
    await removeLabelled(engine.socketPath, `dev.spawner.cluster=${cluster}`);
    await engine?.stop();
  });

  it('cannot reach each other, while each is reached from the machine', async () => {
    await eventually(
      async () => {
        const holders = await docker(
          'ps',
          '--quiet',
          '--filter',
          'label=dev.spawner.sandbox',
          '--filter',
          `label=dev.spawner.cluster=${cluster}`,
        );
        return holders.split('\n').filter(Boolean).length === Number(sandboxes);
      },
      { timeoutMs: 30_000 },
    );
    const ids = await Promise.all(['one', 'two'].map((name) => world.place({ env: { NAME: name } })));
    const [one = '', two = ''] = ids;
    const addressOf = async (id: string) => (await world.reaches(id, READY)).local ?? { host: '', port: 0 };
    await addressOf(one);
    const mode = await docker('inspect', '--format', '{{.HostConfig.NetworkMode}}', `spawner-${one}`);
    expect(mode.startsWith('container:')).toBe(sandboxes !== '0');
    const [here, there] = [await addressOf(one), await addressOf(two)];
    const fromOne = ({ host, port }: { host: string; port: number }) =>
      docker('exec', `spawner-${one}`, 'node', '-e', CONNECT, host, String(port));
    expect(await (await fetch(`http://${there.host}:${there.port}/name`)).text()).toBe('two');
    expect(await fromOne(here)).toBe('connected');
    expect(await fromOne(there)).toMatch(/^(?:timeout|EHOSTUNREACH|ECONNREFUSED)$/);
    expect(world.agent.output()).not.toContain('can reach each other');
    for (const id of ids) await world.stop(id, { force: true });
    for (const id of ids) await world.reaches(id, TERMINATED);
  });

  it('have logs of a bounded size', async () => {
    const id = await world.place({});
    await world.reaches(id, READY);
    const config = await docker('inspect', '--format', '{{json .HostConfig.LogConfig}}', `spawner-${id}`);
    expect(JSON.parse(config)).toEqual({
      Type: 'json-file',
      Config: { 'max-size': '10m', 'max-file': '2' },
    });
    await world.stop(id, { force: true });
    await world.reaches(id, TERMINATED);
  });
});
