import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { ownProcess, type ProcessIdentity } from '@spawner/service';
import { eventually } from '@spawner/testkit';
import { processFacts } from '../runtime/process/proc.ts';
import { fateOf, fateSeenFromHere, type Standing } from './process-status.ts';

const own: ProcessIdentity = { bootId: 'b', pidNamespace: 1, timeNamespace: 2, pid: 10, startTicks: 500 };
const one: ProcessIdentity = { ...own, pid: 20, startTicks: 700 };
const there = { startTime: 700, zombie: false };

describe('what became of a process', () => {
  it.each<[string, Partial<ProcessIdentity>, Standing, string]>([
    ['alive where it stands with the same start', {}, there, 'alive'],
    ['dead where nothing stands under its id', {}, 'nothing', 'dead'],
    ['dead where another one, with another start, stands under it', { startTicks: 699 }, there, 'dead'],
    ['dead where it is a zombie', {}, { ...there, zombie: true }, 'dead'],
    ['unknown where it may not be looked at', {}, 'hidden', 'unknown'],
    ['unknown on another machine, or in another boot', { bootId: 'c' }, 'nothing', 'unknown'],
    ['unknown in another namespace of ids', { pidNamespace: 3 }, 'nothing', 'unknown'],
    ['unknown where its start is counted otherwise', { timeNamespace: 3 }, there, 'unknown'],
    ['unknown where it has no id', { pid: 0 }, 'nothing', 'unknown'],
  ])('is %s', (_, other, standing, fate) => {
    expect(fateOf({ ...one, ...other }, own, () => standing)).toBe(fate);
  });

  it('is unknown to one that does not know itself', () => {
    expect(fateOf(one, undefined, () => 'nothing')).toBe('unknown');
    const nowhere = { ...own, bootId: '' };
    expect(fateOf({ ...one, bootId: '' }, nowhere, () => 'nothing')).toBe('unknown');
  });
});

describe('what became of a process of this machine', () => {
  const fate = fateSeenFromHere();
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

  it('is that it is alive, and dead when it was killed', async () => {
    const child = await started('sleep', '60');
    const identity = identityOf(child.pid);
    expect(fate(identity)).toBe('alive');
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
    expect(fate(identity)).toBe('dead');
  });

  it('is dead where its id is that of another process by now', async () => {
    const child = await started('sleep', '60');
    const identity = identityOf(child.pid);
    expect(fate({ ...identity, startTicks: identity.startTicks - 1 })).toBe('dead');
    expect(fate(identity)).toBe('alive');
  });

  it('is alive while it is stopped', async () => {
    const child = await started('sleep', '60');
    child.kill('SIGSTOP');
    await eventually(() => expect(stateOf(child.pid)).toBe('T'));
    expect(fate(identityOf(child.pid))).toBe('alive');
  });

  it('is dead from its end on, though its parent has not asked for it', async () => {
    // A shell that becomes a program which never asks for the child that it had.
    const parent = await started('sh', '-c', 'sleep 60 & echo $!; exec sleep 60');
    const [line] = (await once(parent.stdout!, 'data')) as [Buffer];
    const pid = Number(String(line));
    const identity = identityOf(pid);
    expect(fate(identity)).toBe('alive');
    // As a shell it might still ask.
    await eventually(() => expect(readFileSync(`/proc/${parent.pid}/comm`, 'utf8')).toBe('sleep\n'));
    process.kill(pid, 'SIGKILL');
    await eventually(() => expect(stateOf(pid)).toBe('Z'));
    expect(fate(identity)).toBe('dead');
  });

  it('is alive for this one', () => {
    expect(self && fate(self)).toBe('alive');
  });
});

function stateOf(pid: number): string | undefined {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2)[0];
}
