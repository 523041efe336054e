/**
 * A machine of its own as far as the network goes: a network namespace with one wire (veth) to this one, which can be
 * cut and healed. It lives as long as a process that holds it, and everything in it - devices, addresses, firewall
 * rules - goes with it. Needs root.
 */
import { existsSync } from 'node:fs';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { run, unusedNetwork } from './command.ts';
import { startProgram } from './program.ts';
import { presentMark } from './test-run.ts';

export interface NetworkNamespace extends AsyncDisposable {
  /** This side of the wire, on which the other one finds what listens here. */
  hostAddress: string;
  /** The other side of the wire. */
  address: string;
  /** The words before a command that make it run inside. */
  prefix: readonly string[];
  /** From now on every packet on the wire is dropped silently, both ways. */
  cut(): Promise<void>;
  heal(): Promise<void>;
  /** SIGKILL to every process inside and to what they started, containers included: a power cut. The namespace stays. */
  killAll(): Promise<void>;
  stop(): Promise<void>;
}

/** Beyond what agents take for their containers unless told otherwise. */
const RANGE = '10.246';
const BOTH_WAYS = [
  ['PREROUTING', '-i'],
  ['POSTROUTING', '-o'],
] as const;

export async function makeNamespace(): Promise<NetworkNamespace> {
  await using stack = new AsyncDisposableStack();
  const holder = stack.use(
    await startProgram({
      command: 'unshare',
      args: ['--net', '--', 'sh', '-c', 'echo here; exec sleep infinity'],
      ready: (line) => line === 'here',
    }),
  );
  const number = await unusedNetwork(RANGE);
  const [name, far] = [`spawnw${number}`, `spawnw${number}n`];
  const [hostAddress, address] = [`${RANGE}.${number}.1`, `${RANGE}.${number}.2`];
  const prefix = ['nsenter', `--net=/proc/${holder.pid}/ns/net`, '--'];
  const inside = (...command: string[]) => run('nsenter', ...prefix.slice(1), ...command);
  await run('ip', 'link', 'add', name, 'type', 'veth', 'peer', far, 'netns', String(holder.pid));
  // The kernel keeps a namespace as long as a closing socket in it still hopes for an answer, and its devices with it.
  stack.defer(async () => {
    await run('ip', 'link', 'delete', name).catch((cause: unknown) => {
      if (existsSync(`/sys/class/net/${name}`)) throw cause;
    });
  });
  await run('ip', 'link', 'set', name, 'alias', presentMark());
  await run('ip', 'address', 'add', `${hostAddress}/24`, 'dev', name);
  await run('ip', 'link', 'set', name, 'up');
  await inside('ip', 'link', 'set', 'lo', 'up');
  await inside('ip', 'address', 'add', `${address}/24`, 'dev', far);
  await inside('ip', 'link', 'set', far, 'up');
  await inside('ip', 'route', 'add', 'default', 'via', hostAddress);
  const drop = async (change: '-I' | '-D') => {
    for (const [chain, direction] of BOTH_WAYS)
      await inside('iptables', '-w', '-t', 'mangle', change, chain, direction, far, '-j', 'DROP');
  };
  const all = stack.move();
  const stop = () => all.disposeAsync();
  return {
    hostAddress,
    address,
    prefix,
    cut: () => drop('-I'),
    heal: () => drop('-D'),
    killAll: () => killInside(holder.pid),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** A container's processes have a namespace of their own; they are found as children of what is inside. */
async function killInside(holder: number): Promise<void> {
  const namespace = await readlink(`/proc/${holder}/ns/net`);
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const parents = new Map<number, number>();
  const doomed = new Set<number>();
  for (const pid of pids) {
    const at = await readlink(`/proc/${pid}/ns/net`).catch(() => undefined);
    if (at === namespace && pid !== holder) doomed.add(pid);
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
    // The name in the second column may contain anything, brackets too.
    if (stat) parents.set(pid, Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
  }
  for (let before = -1; before !== doomed.size; ) {
    before = doomed.size;
    for (const [pid, parent] of parents) if (doomed.has(parent)) doomed.add(pid);
  }
  for (const pid of doomed) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}
