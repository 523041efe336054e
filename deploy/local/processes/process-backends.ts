/** Backends that run as plain processes outlive their agent, so that it can be upgraded; they do not outlive `up`. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { identify, isAlive, type ProcessRef } from './process-ref.ts';

/** Kills the backends that the agent with this state directory recorded, with all processes that they started. */
export function endProcessBackends(agentDir: string): number {
  const folder = join(agentDir, 'process');
  if (!existsSync(folder)) return 0;
  const living = readdirSync(folder)
    .map((id) => notedProcess(join(folder, id, 'run.json')))
    .filter((identity) => identity !== undefined)
    .filter(isAlive);
  for (const { pid } of living) process.kill(-pid, 'SIGKILL');
  return living.length;
}

/** The process of this backend, if it lives and the agent with this state directory noted it down. */
export function backendProcess(agentDir: string, id: string): ProcessRef | undefined {
  return notedProcess(join(agentDir, 'process', id, 'run.json'));
}

/** The leader of a backend's session, if the pid still is that process. */
function notedProcess(file: string): ProcessRef | undefined {
  try {
    const { pid, startTime } = JSON.parse(readFileSync(file, 'utf8')) as { pid: number; startTime: number };
    const now = identify(pid);
    return now.since.endsWith(`:${startTime}`) ? now : undefined;
  } catch {
    return undefined;
  }
}
