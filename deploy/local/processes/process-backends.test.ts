import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '@spawner/testkit';
import { endProcessBackends } from './process-backends.ts';
import { identify } from './process-ref.ts';

const folder = mkdtempSync(join(tmpdir(), 'spawner-process-backends-'));
afterAll(() => rmSync(folder, { recursive: true }));

function note(id: string, content: object | string) {
  mkdirSync(join(folder, 'process', id), { recursive: true });
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  writeFileSync(join(folder, 'process', id, 'run.json'), text);
}

describe('the end of backends that are processes', () => {
  it('has nothing to do without an agent', () => {
    expect(endProcessBackends(join(folder, 'nowhere'))).toBe(0);
  });

  it('kills the recorded ones with their children, and no other process that has such a pid by now', async () => {
    const backend = spawn('/bin/sh', ['-c', 'sleep 60 & echo $!; wait'], {
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [output] = (await once(backend.stdout!, 'data')) as [Buffer];
    const innocent = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
    const startTime = Number(identify(backend.pid!).since.split(':').at(-1));
    note('a', { pid: backend.pid, startTime, port: 1 });
    note('b', { pid: innocent.pid, startTime: 1, port: 2 });
    note('c', 'garbage');
    const [ended, closed] = [once(backend, 'exit'), once(backend.stdout!, 'close')];
    expect(endProcessBackends(folder)).toBe(1);
    expect(await ended).toEqual([null, 'SIGKILL']);
    // Its output closes when the last process that has it is gone.
    await closed;
    await eventually(() => identify(Number(output.toString())).since === '');
    expect(innocent.exitCode).toBeNull();
    innocent.kill();
    expect(await once(innocent, 'exit')).toEqual([null, 'SIGTERM']);
  });
});
