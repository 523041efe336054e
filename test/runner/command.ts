import { spawn } from 'node:child_process';

export interface CommandOptions {
  cwd?: string;
  env?: Record<string, string>;
  signal?: AbortSignal;
}

/** Runs the command with its output shown; resolves with its exit code, null when a signal ended it (SIGTERM once `signal` aborts). */
export function runCommand(
  command: string,
  args: string[],
  { cwd, env, signal }: CommandOptions = {},
): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const end = () => child.kill('SIGTERM');
    signal?.addEventListener('abort', end, { once: true });
    child.once('error', reject);
    child.once('close', (code) => {
      signal?.removeEventListener('abort', end);
      resolve(code);
    });
  });
}
