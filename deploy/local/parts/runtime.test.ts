import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@spawner/domain';
import { placeOf } from '../claim/place.ts';
import { Progress } from '../output/progress.ts';
import { findDocker } from './docker.ts';
import { provideDemo, provideRuntime } from './runtime.ts';

const root = mkdtempSync(join(tmpdir(), 'spawner-runtime-'));
afterAll(() => rmSync(root, { recursive: true }));
const place = placeOf(root);

function provide(env: Record<string, string>, docker: { found?: string; problem?: string }) {
  const said: string[] = [];
  const started = jest.fn(async () => '/own/docker.sock');
  const runtime = provideRuntime({
    place,
    env,
    progress: new Progress(systemClock, (line) => void said.push(line)),
    startDocker: started,
    find: async () => docker.found,
    install: async () => {
      if (docker.problem) throw new Error(docker.problem);
    },
  });
  return { runtime, said, started };
}

describe('the runtime', () => {
  it('is the Docker Engine that answers', async () => {
    const { runtime, started } = provide({}, { found: '/var/run/docker.sock' });
    expect(await runtime).toEqual({ kind: 'docker', socket: '/var/run/docker.sock' });
    expect(started).not.toHaveBeenCalled();
  });

  it('is plain processes, with a warning, if Docker is unavailable', async () => {
    const { runtime, said } = provide({}, { problem: 'Missing: dockerd. Run as root: apt-get install …' });
    expect(await runtime).toEqual({ kind: 'process', programs: place.programs });
    expect(said.join('\n')).toMatch(/! .*apt-get install[\s\S]*! .*plain processes/);
  });

  it('is no substitute if Docker was asked for', async () => {
    const { runtime } = provide({ SPAWNER_AGENT_RUNTIME: 'docker' }, { problem: 'not here' });
    await expect(runtime).rejects.toThrow('Docker is unavailable');
  });

  it('does not look for Docker if processes were asked for', async () => {
    const { runtime } = provide({ SPAWNER_AGENT_RUNTIME: 'process' }, { found: '/var/run/docker.sock' });
    expect(await runtime).toEqual({ kind: 'process', programs: place.programs });
  });

  it('has the demo as a program for plain processes', async () => {
    expect(await provideDemo({ kind: 'process', programs: place.programs })).toBe('spawner/demo:latest');
    expect(existsSync(join(place.programs, 'demo'))).toBe(true);
    expect(statSync(join(place.programs, 'demo')).mode & 0o111).not.toBe(0);
  });
});

describe('the search for Docker', () => {
  const answering =
    (...sockets: string[]) =>
    async (socket: string) =>
      sockets.includes(socket);

  it('follows DOCKER_HOST, and names one that does not answer', async () => {
    const env = { DOCKER_HOST: 'unix:///my/docker.sock' };
    expect(await findDocker(env, answering('/my/docker.sock'))).toBe('/my/docker.sock');
    await expect(findDocker(env, answering('/var/run/docker.sock'))).rejects.toThrow('no Docker Engine');
    await expect(findDocker({ DOCKER_HOST: 'tcp://10.0.0.1' }, answering())).rejects.toThrow('unix socket');
  });

  it('otherwise looks at the usual socket of Docker', async () => {
    expect(await findDocker({}, answering('/var/run/docker.sock'))).toBe('/var/run/docker.sock');
    expect(await findDocker({}, answering())).toBeUndefined();
  });
});
