import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { createLog } from '@spawner/service';
import { type TempDir, tempDir } from '@spawner/testkit';
import { readConfig } from '../config.ts';
import { StateDir } from '../state/state-dir.ts';
import { chooseRuntime } from './choose-runtime.ts';

const log = createLog('test', 'silent');

describe('the runtime that an agent chooses', () => {
  let temp: TempDir;
  let state: StateDir;
  let engine: Server | undefined;
  const socket = () => join(temp.path, 'docker.sock');
  const choose = (env: Record<string, string> = {}) =>
    chooseRuntime(readConfig({ SPAWNER_AGENT_DOCKER_SOCKET: socket(), ...env }), state, log);
  const engineComes = () =>
    new Promise<void>((resolve) => {
      engine = createServer((_, response) => response.end('OK')).listen(socket(), resolve);
    });
  const engineGoes = () =>
    new Promise<void>((resolve) => {
      engine?.closeAllConnections();
      if (engine) engine.close(() => resolve());
      else resolve();
      engine = undefined;
    });
  const backends = () => state.below('backends');

  beforeEach(async () => {
    temp = await tempDir('choose-runtime');
    state = new StateDir(join(temp.path, 'state'));
  });
  afterEach(async () => {
    await engineGoes();
    await temp.stop();
  });

  it('is docker if an engine answers, else process', async () => {
    expect(await choose()).toBe('process');
    await engineComes();
    expect(await choose()).toBe('docker');
    await engineGoes();
    expect(await choose()).toBe('process');
  });

  it('stays the one that has its backends, whether an engine answers at the restart or not', async () => {
    await engineComes();
    expect(await choose()).toBe('docker');
    backends().write('a.json', '{}');
    await engineGoes();
    expect(await choose()).toBe('docker');
    backends().remove('a.json');
    expect(await choose()).toBe('process');
    backends().write('b.json', '{}');
    await engineComes();
    expect(await choose()).toBe('process');
  });

  it('is the configured one, whatever it was before', async () => {
    backends().write('a.json', '{}');
    const programs = { SPAWNER_AGENT_PROGRAMS_DIR: temp.path };
    for (const runtime of ['docker', 'process'])
      expect(await choose({ SPAWNER_AGENT_RUNTIME: runtime, ...programs })).toBe(runtime);
  });
});
