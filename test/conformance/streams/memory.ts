/** The resident memory of a process, watched. */
import { readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';

export const MIB = 1 << 20;

/** In bytes, as the kernel counts it (proc(5), VmRSS). */
export async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN) * 1_024;
}

/** The most that the process had while this was going on, in bytes, looked at every 100 ms. */
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
