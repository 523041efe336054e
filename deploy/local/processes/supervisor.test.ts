import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@spawner/domain';
import { eventually } from '@spawner/testkit';
import { Child, describeExit } from './child.ts';
import { lastLines } from './log-lines.ts';
import { identify, isAlive } from './process-ref.ts';
import { Supervised } from './supervisor.ts';

const folder = mkdtempSync(join(tmpdir(), 'spawner-supervisor-'));
afterAll(() => rmSync(folder, { recursive: true }));

const shell = (script: string, command = '/bin/sh') => ({
  name: 'it',
  command,
  args: ['-c', script],
  env: { PATH: process.env.PATH },
  cwd: folder,
  logFile: join(folder, 'it.log'),
  stopWithinMs: 2_000,
});

function options() {
  const said: string[] = [];
  const pids: number[] = [];
  const hopeless: Error[] = [];
  return {
    said,
    pids,
    errors: hopeless,
    clock: systemClock,
    random: () => 0,
    say: (text: string) => void said.push(text),
    started: (_name: string, pid: number) => void pids.push(pid),
    hopeless: (error: Error) => void hopeless.push(error),
  };
}

describe('a supervised program', () => {
  it('is restarted after its death, which is printed with its last lines', async () => {
    const watched = options();
    const program = new Supervised(shell('echo working; exec sleep 60'), watched);
    await eventually(() => lastLines(join(folder, 'it.log'), 1)[0] === 'working');
    process.kill(program.pid!, 'SIGKILL');
    await eventually(() => watched.pids.length === 2);
    expect(watched.said.join('\n')).toContain('it was ended by SIGKILL');
    expect(watched.said.join('\n')).toContain('    working');
    expect(program.pid).toBe(watched.pids[1]);
    const second = identify(program.pid!);
    await program.stop();
    expect(isAlive(second)).toBe(false);
    expect(watched.pids).toHaveLength(2);
  });

  it('is killed if it ignores the stop', async () => {
    const program = new Supervised(
      { ...shell('trap "" TERM; echo deaf; while :; do sleep 1; done'), stopWithinMs: 100 },
      options(),
    );
    await eventually(() => readFileSync(join(folder, 'it.log'), 'utf8').includes('deaf'));
    const identity = identify(program.pid!);
    await program.stop();
    expect(isAlive(identity)).toBe(false);
  });

  it.each([
    ['a wrong configuration', shell('echo "PORT must be a port"; exit 2'), 'PORT must be a port'],
    ['a program that is not there', shell('', '/no/such/program'), 'could not be started'],
  ])('is given up for %s', async (_, spec, words) => {
    const watched = options();
    const program = new Supervised(spec, watched);
    await eventually(() => watched.errors.length === 1);
    expect(watched.errors[0]!.message).toContain(words);
    await program.stop();
    expect(watched.pids.length).toBeLessThanOrEqual(1);
  });

  it('that waits for its next start does not start after stop', async () => {
    const watched = options();
    const program = new Supervised(shell('exit 1'), watched);
    await eventually(() => watched.said.length === 1);
    await program.stop();
    expect(watched.pids).toHaveLength(1);
  });
});

describe('the end of a child', () => {
  it('is described in words', async () => {
    expect(describeExit(await new Child(shell('exit 3')).exited)).toBe('ended with code 3');
    expect(describeExit(await new Child(shell('kill -9 $$')).exited)).toBe('was ended by SIGKILL');
  });

  it('has no last lines without output', () => {
    expect(lastLines(join(folder, 'none.log'), 5)).toEqual([]);
  });
});
