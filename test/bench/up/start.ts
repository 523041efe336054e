/** One `up` of a checkout, from its start to its end. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startProgram } from '@spawner/testkit';
import type { LocalFile } from '../../../deploy/local/claim/local-file.ts';
import { processTimeMs } from '../process-time.ts';

const READY_WITHIN_MS = 180_000;
/** Until the services have done what follows a start, and nothing but their renewals is left. */
const REST_MS = 5_000;

export interface UpRun {
  /** From the start of the program to the line that names the demo. */
  readyMs: number;
  /** The processor time of `up` and the six services until then. */
  processorMs: number;
  /** The proportional set size (PSS) of each service at rest, in MiB; empty without a rest. */
  services: Record<string, number>;
}

/** Starts it beside an engine, waits until it is ready and, if wanted, at rest, and ends it. */
export async function startUp(tree: string, socketPath: string, { rest }: { rest: boolean }): Promise<UpRun> {
  const began = performance.now();
  await using up = await startProgram({
    command: process.execPath,
    args: [join(tree, 'deploy/local/up.mjs')],
    cwd: tree,
    env: { DOCKER_HOST: `unix://${socketPath}`, NODE_COMPILE_CACHE: undefined },
    ready: (line) => line.startsWith('  curl '),
    readyTimeoutMs: READY_WITHIN_MS,
    stopTimeoutMs: 60_000,
  });
  const readyMs = performance.now() - began;
  const { pid, services } = JSON.parse(
    await readFile(join(tree, '.spawner/local.json'), 'utf8'),
  ) as LocalFile;
  const pids = Object.entries(services).map(([name, each]) => ({ name, pid: each.pid ?? 0 }));
  const processorMs = [up.pid, pid, ...pids.map((each) => each.pid)].reduce(
    (sum, each) => sum + processTimeMs(each),
    0,
  );
  if (!rest) return { readyMs, processorMs, services: {} };
  await sleep(REST_MS);
  const sizes = await Promise.all(pids.map(async (each) => [each.name, await pssMib(each.pid)] as const));
  return { readyMs, processorMs, services: Object.fromEntries(sizes) };
}

/** The process's own memory and its share of that which it has in common with others, in MiB (proc(5)). */
async function pssMib(pid: number): Promise<number> {
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kib = /^Pss:\s+(\d+) kB$/m.exec(rollup)?.[1];
  if (kib === undefined) throw new Error(`/proc/${pid}/smaps_rollup has no Pss`);
  return Number(kib) / 1024;
}
