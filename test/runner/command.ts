import { spawn } from 'node:child_process';

export interface CommandOptions {
  cwd?: string;
  env?: Record<string, string>;
  /** On abort the command gets SIGTERM, and SIGKILL after `killAfterMs`. */
  signal?: AbortSignal;
  killAfterMs?: number;
  /** A signal before SIGTERM, at which the command may write why it still runs. */
  ask?: NodeJS.Signals;
}

const KILL_AFTER_MS = 20_000;
const ANSWER_MS = 500;

/** Runs the command with its output shown; resolves with its exit code, or null if a signal ended it. */
export function runCommand(
  command: string,
  args: string[],
  { cwd, env, signal, ask, killAfterMs = KILL_AFTER_MS }: CommandOptions = {},
): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    let clear = () => {};
    const end = () => {
      if (ask) child.kill(ask);
      const term = setTimeout(() => child.kill('SIGTERM'), ask ? ANSWER_MS : 0);
      const kill = setTimeout(() => child.kill('SIGKILL'), killAfterMs);
      clear = () => [term, kill].forEach(clearTimeout);
    };
    if (signal?.aborted) end();
    signal?.addEventListener('abort', end, { once: true });
    child.once('error', reject);
    // Not `close`: a program that outlives the command may hold its output open.
    child.once('exit', (code) => {
      clear();
      signal?.removeEventListener('abort', end);
      resolve(code);
    });
  });
}
