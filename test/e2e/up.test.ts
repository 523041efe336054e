/** `npm run up` and `npm run down` as people use them, in a checkout of the test's own. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  type Docker,
  eventually,
  freePort,
  type Program,
  request,
  startDocker,
  startProgram,
  type TempDir,
  tempDir,
} from '@spawner/testkit';
import type { LocalFile } from '../../deploy/local/claim/local-file.ts';
import { identify, isAlive } from '../../deploy/local/processes/process-ref.ts';
import { PORT_RULES } from '../../deploy/local/settings/ports.ts';
import { ROOT } from '../cluster/service-process.ts';

const run = promisify(execFile);
let checkout: TempDir;
let docker: Docker;

beforeAll(async () => {
  docker = await startDocker();
});
afterAll(() => docker?.stop());

beforeEach(async () => {
  checkout = await tempDir('up');
  for (const part of ['package.json', 'package-lock.json', 'deploy', 'libs', 'services'])
    await cp(join(ROOT, part), join(checkout.path, part), { recursive: true });
  await symlink(join(ROOT, 'node_modules'), join(checkout.path, 'node_modules'));
});
afterEach(() => checkout.stop());

const path = (...parts: string[]) => join(checkout.path, ...parts);
const local = async () => JSON.parse(await readFile(path('.spawner/local.json'), 'utf8')) as LocalFile;
const pidsOf = ({ pid, services, parts }: LocalFile) =>
  [pid, ...[...Object.values(services), ...Object.values(parts)].map((each) => each.pid ?? 0)].map(identify);

/** Ports for gRPC whose usual ones the kernel may give to an outgoing connection, while a service is started again, too. */
async function grpcPorts(): Promise<Record<string, string>> {
  const ports: Record<string, string> = {};
  for (const { variable, purpose } of PORT_RULES)
    if (purpose.startsWith('gRPC')) ports[variable] = String(await freePort());
  return ports;
}

/** Resolves when it has said that all is ready. */
async function up(asked: Record<string, string>): Promise<Program> {
  // Node keeps compiled programs by their paths, and those of this checkout are soon gone.
  const env = { ...(await grpcPorts()), NODE_COMPILE_CACHE: path('compiled'), ...asked };
  return startProgram({
    command: process.execPath,
    args: [path('deploy/local/up.mjs')],
    env,
    ready: (line) => line.startsWith('  curl '),
    readyTimeoutMs: 180_000,
    stopTimeoutMs: 60_000,
  });
}

async function down(): Promise<string> {
  return (await run(process.execPath, [path('deploy/local/down.mjs')], { timeout: 120_000 })).stdout;
}

/** Runs the command that `up` shows, and opens what it spawned through the proxy. */
async function spawnAsShown(program: Program) {
  const curl = program.lines.find((line) => line.startsWith('  curl '))!.trim();
  const { stdout } = await run('/bin/sh', ['-c', curl]);
  const { id, url } = (JSON.parse(stdout) as { backend: { id: string; url: string } }).backend;
  const { hostname, port } = new URL(url);
  const page = await request({ port: Number(port), host: hostname, timeoutMs: 60_000 });
  return { id, page };
}

describe('npm run up', () => {
  it('brings everything up, keeps it up, and `npm run down` leaves nothing behind', async () => {
    const first = await up({ DOCKER_HOST: `unix://${docker.socketPath}` });
    const before = await local();
    expect(before).toMatchObject({ runtime: 'docker', dockerSocket: docker.socketPath });
    expect(Object.keys(before.services)).toHaveLength(6);
    expect(Object.keys(before.parts).toSorted()).toEqual(['nats', 'redis']);
    expect(pidsOf(before).filter((identity) => !isAlive(identity))).toEqual([]);
    const { page } = await spawnAsShown(first);
    expect([page.status, page.body]).toEqual([200, expect.stringContaining('<html')]);

    const second = up({ DOCKER_HOST: `unix://${docker.socketPath}` });
    await expect(second).rejects.toThrow(`Spawner is already running here (pid ${before.pid})`);

    const { pid, ports } = before.services.gateway!;
    process.kill(pid!, 'SIGKILL');
    await eventually(async () => (await local()).services.gateway!.pid !== pid);
    await eventually(async () => (await request({ port: ports.admin!, path: '/readyz' })).status === 200);
    await eventually(() => expect(first.output()).toContain('gateway was ended by SIGKILL'));

    const after = await local();
    expect(await down()).toContain('Stopped.');
    expect(await first.exited).toMatchObject({ code: 0 });
    expect(pidsOf(after).filter(isAlive)).toEqual([]);
    expect(existsSync(path('.spawner/local.json'))).toBe(false);
    const label = `label=dev.spawner.cluster=${before.cluster}`;
    const list = ['--host', `unix://${docker.socketPath}`, 'ps', '--all', '--quiet', '--filter', label];
    expect((await run('docker', list)).stdout).toBe('');
    expect(await down()).toContain('Nothing is running.');
  });

  it('clears away what a crashed one left, without Docker too, and ends at Ctrl-C', async () => {
    const first = await up({ SPAWNER_AGENT_RUNTIME: 'process' });
    const crashed = await local();
    const { page } = await spawnAsShown(first);
    expect(page.status).toBe(200);
    process.kill(crashed.pid, 'SIGKILL');
    expect((await first.exited).code).toBe(1);
    const left = pidsOf(crashed).filter(isAlive);
    expect(left).toHaveLength(8);

    const second = await up({ SPAWNER_AGENT_RUNTIME: 'process' });
    expect(left.filter(isAlive)).toEqual([]);
    const { page: again } = await spawnAsShown(second);
    expect(again.status).toBe(200);
    const running = await local();
    expect(await second.kill('SIGINT')).toMatchObject({ code: 0 });
    expect(pidsOf(running).filter(isAlive)).toEqual([]);
  });

  it('refuses a port that is taken and one that is none, and starts nothing', async () => {
    const env = { SPAWNER_GATEWAY_HTTP_PORT: '80x', SPAWNER_AGENT_RUNTIME: 'process' };
    await expect(up(env)).rejects.toThrow('SPAWNER_GATEWAY_HTTP_PORT must be a port, not "80x"');
    expect(existsSync(path('.spawner/up.json'))).toBe(false);
  });
});
