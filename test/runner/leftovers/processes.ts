import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { markOf } from '../../../libs/testkit/src/test-run.ts';
import type { Leftover } from '../leftovers.ts';

/** A container's processes have an environment of their own; its shim, which has ours, names the container. */
const SHIM = /containerd-shim\S*(?:\0[^\0]*)*?\0-id\0([0-9a-f]{64})\0/;

/** The living processes with the run's mark in their environment, and those of the containers among them. */
export async function processesOf(run: string): Promise<Leftover[]> {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => {
    const path = textOf(pid, 'environ')
      .split('\0')
      .find((entry) => entry.startsWith('PATH='));
    const mark = markOf(path ?? '');
    if (mark?.run !== run || Number(pid) === process.pid) return [];
    const command = textOf(pid, 'cmdline');
    const container = SHIM.exec(command)?.[1];
    const started = startOf(pid);
    const doomed = [
      pid,
      ...(container ? pids.filter((each) => textOf(each, 'cgroup').includes(container)) : []),
    ];
    const remove = async () => {
      if (startOf(pid) === started) for (const each of doomed) kill(Number(each));
    };
    const words = command.split('\0').join(' ').trim().slice(0, 200) || executableOf(pid);
    return [{ id: `process ${pid} ${started}`, what: `process ${pid} (${words})`, file: mark.file, remove }];
  });
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Empty for a process that has gone, a zombie, or one that this user may not look at. */
function textOf(pid: string, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return '';
  }
}

function executableOf(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return 'unknown';
  }
}

/** In clock ticks since the boot: a pid is used again, a pid with its start is not. */
function startOf(pid: string): string {
  const stat = textOf(pid, 'stat');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}
