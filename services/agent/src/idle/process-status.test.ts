import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { ownProcess, type ProcessIdentity } from '@spawner/service';
import { eventually } from '@spawner/testkit';
import { processFacts } from '../runtime/process/proc.ts';
import { type PidState, processStatusOnThisMachine, statusOfProcess } from './process-status.ts';

const own: ProcessIdentity = { bootId: 'b', pidNamespace: 1, timeNamespace: 2, pid: 10, startTicks: 500 };
const one: ProcessIdentity = { ...own, pid: 20, startTicks: 700 };
const there = { startTime: 700, zombie: false };

describe('the status of a process', () => {
  it.each<[string, Partial<ProcessIdentity>, PidState, string]>([
    ['alive if its PID has the same start time', {}, there, 'alive'],
    ['dead if no process has its PID', {}, 'none', 'dead'],
    ['dead if a process with another start time has its PID', { startTicks: 699 }, there, 'dead'],
    ['dead if it is a zombie', {}, { ...there, zombie: true }, 'dead'],
    ['unknown if it is hidden', {}, 'hidden', 'unknown'],
    ['unknown on another machine or in another boot', { bootId: 'c' }, 'none', 'unknown'],
    ['unknown in another PID namespace', { pidNamespace: 3 }, 'none', 'unknown'],
    ['unknown in another time namespace', { timeNamespace: 3 }, there, 'unknown'],
    ['unknown without a PID', { pid: 0 }, 'none', 'unknown'],
  ])('is %s', (_, other, pidState, status) => {
    expect(statusOfProcess({ ...one, ...other }, own, () => pidState)).toBe(status);
  });

  it('is unknown if our own identity is unknown', () => {
    expect(statusOfProcess(one, undefined, () => 'none')).toBe('unknown');
    const nowhere = { ...own, bootId: '' };
    expect(statusOfProcess({ ...one, bootId: '' }, nowhere, () => 'none')).toBe('unknown');
  });
});

describe('the status of a process on this machine', () => {
  const statusOf = processStatusOnThisMachine();
  const self = ownProcess();
  const children: ChildProcess[] = [];
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });

  async function started(command: string, ...args: string[]): Promise<ChildProcess & { pid: number }> {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    children.push(child);
    await once(child, 'spawn');
    return child as ChildProcess & { pid: number };
  }

  function identityOf(pid: number): ProcessIdentity {
    const startTicks = processFacts(pid)?.startTime;
    if (!self || startTicks === undefined) throw new Error('there is no such process');
    return { ...self, pid, startTicks };
  }

  it('is alive, then dead once it was killed', async () => {
    const child = await started('sleep', '60');
    const identity = identityOf(child.pid);
    expect(statusOf(identity)).toBe('alive');
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
    expect(statusOf(identity)).toBe('dead');
  });

  it('is dead if another process has its PID now', async () => {
    const child = await started('sleep', '60');
    const identity = identityOf(child.pid);
    expect(statusOf({ ...identity, startTicks: identity.startTicks - 1 })).toBe('dead');
    expect(statusOf(identity)).toBe('alive');
  });

  it('is alive while it is stopped', async () => {
    const child = await started('sleep', '60');
    child.kill('SIGSTOP');
    await eventually(() => expect(stateOf(child.pid)).toBe('T'));
    expect(statusOf(identityOf(child.pid))).toBe('alive');
  });

  it('is dead as a zombie', async () => {
    // The shell starts a child, then becomes a program that never waits for it.
    const parent = await started('sh', '-c', 'sleep 60 & echo $!; exec sleep 60');
    const [line] = (await once(parent.stdout!, 'data')) as [Buffer];
    const pid = Number(String(line));
    const identity = identityOf(pid);
    expect(statusOf(identity)).toBe('alive');
    // The shell itself might still wait for its child.
    await eventually(() => expect(readFileSync(`/proc/${parent.pid}/comm`, 'utf8')).toBe('sleep\n'));
    process.kill(pid, 'SIGKILL');
    await eventually(() => expect(stateOf(pid)).toBe('Z'));
    expect(statusOf(identity)).toBe('dead');
  });

  it('is alive for this process', () => {
    expect(self && statusOf(self)).toBe('alive');
  });
});

function stateOf(pid: number): string | undefined {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2)[0];
}
