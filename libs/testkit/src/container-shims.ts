import { readdir, readFile } from 'node:fs/promises';
import { eventually } from './eventually.ts';

/**
 * Ends the shims of an engine that has ended, by its directory. A shim outlives its container if that died while the engine was
 * away, and the engine removes only the container then. Resolves when they are gone.
 */
export async function endShims(engineDir: string): Promise<void> {
  await eventually(async () => {
    const shims = await shimsOf(engineDir);
    for (const pid of shims) end(pid);
    if (shims.length > 0) throw new Error(`the shims ${shims.join(', ')} of ${engineDir} do not end`);
  });
}

async function shimsOf(engineDir: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
      const isShim =
        command[0]?.includes('containerd-shim') && command.some((word) => word.startsWith(engineDir));
      return isShim ? [Number(pid)] : [];
    }),
  );
  return found.flat();
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    // It has ended meanwhile.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
