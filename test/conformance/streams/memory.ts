/** The resident memory of a process over time. */
import { readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';

export const MIB = 1 << 20;

/** In bytes, as the kernel counts it (proc(5), VmRSS). */
export async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN) * 1_024;
}

/** The most that the process had during this work, in bytes, sampled every 100 ms. */
export async function mostDuring(pid: number, work: () => Promise<unknown>): Promise<number> {
  let most = await residentBytes(pid);
  const over = new AbortController();
  const watching = (async () => {
    while (!over.signal.aborted) {
      most = Math.max(most, await residentBytes(pid));
      await wait(100, undefined, { signal: over.signal }).catch(() => {});
    }
  })();
  try {
    await work();
  } finally {
    over.abort();
    await watching;
  }
  return most;
}

/** The resident memory of an idle process: the median over this time, in bytes. */
export async function idleBytes(pid: number, ms: number): Promise<number> {
  const samples: number[] = [];
  for (const until = performance.now() + ms; performance.now() < until; await wait(100))
    samples.push(await residentBytes(pid));
  return samples.sort((a, b) => a - b)[samples.length >> 1] ?? Number.NaN;
}
