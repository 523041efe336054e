/**
 * A child process as a fixture. Its output is kept for messages and assertions, and it is ended by its pid alone. On Linux
 * the kernel ends it if the test process dies without a chance to do so.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { inTime } from '@spawner/domain';
import { atFileEnd, complain } from './complaints.ts';
import { errorIn } from './logged-errors.ts';
import { PATIENCE } from './patience.ts';

export interface ProgramOptions {
  command: string;
  args?: string[];
  /** Added to this process's environment, from which all SPAWNER_… variables are taken out first. */
  env?: Record<string, string | undefined>;
  cwd?: string;
  /** Whether this line of output (standard output or error) says that the program is ready. Without it, it is ready at once. */
  ready?: (line: string) => boolean;
  readyTimeoutMs?: number;
  /** From SIGTERM to SIGKILL. */
  stopTimeoutMs?: number;
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface Program extends AsyncDisposable {
  pid: number;
  /** The latest lines of output, at most 5000. */
  lines: readonly string[];
  output(): string;
  exited: Promise<Exit>;
  /** SIGTERM, then SIGKILL after `stopTimeoutMs`; resolves when the process has gone. */
  stop(): Promise<Exit>;
  /** Sends the signal (SIGKILL by default) and resolves when the process has gone. */
  kill(signal?: NodeJS.Signals): Promise<Exit>;
}

const KEPT_LINES = 5000;
const SETPRIV = '/usr/bin/setpriv';
const orphansEnd = existsSync(SETPRIV);

const running = new Map<ChildProcess, string>();
atFileEnd(() => {
  const left = [...running].map(([child, command]) => `${command} (${child.pid}) was left running`);
  for (const child of running.keys()) child.kill('SIGKILL');
  return left;
});

/** Starts the program and resolves when it is ready; rejects with its last output if it ends or stays silent before. */
export async function startProgram(options: ProgramOptions): Promise<Program> {
  const { command, args = [], ready, readyTimeoutMs = PATIENCE.startMs, stopTimeoutMs = 30_000 } = options;
  const [file, ...rest] = dyingWithUs([command, ...args]);
  const child = spawn(file!, rest, {
    cwd: options.cwd,
    env: childEnv(options.env),
    stdio: ['ignore', 'pipe', 'pipe'],
    // Ctrl-C is for the tests, which end their programs in order; where the kernel ends orphans this is safe.
    detached: orphansEnd,
  });
  running.set(child, [command, ...args].join(' ').slice(0, 200));
  const lines: string[] = [];
  const exited = new Promise<Exit>((resolve) => {
    child.once('error', (error) => {
      lines.push(error.message);
      resolve({ code: null, signal: null });
    });
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  exited.then(() => running.delete(child));
  const isReady = new Promise<'ready'>((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        lines.push(line);
        const error = errorIn(line);
        if (error) complain(`a program logged an error: ${error}`);
        if (lines.length > KEPT_LINES) lines.shift();
        if (ready?.(line)) resolve('ready');
      });
    }
    if (!ready) resolve('ready');
  });

  const kill = (signal: NodeJS.Signals = 'SIGKILL') => {
    child.kill(signal);
    return exited;
  };
  const stop = async () => {
    const force = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
    child.kill('SIGTERM');
    const exit = await exited;
    clearTimeout(force);
    return exit;
  };
  const output = () => lines.join('\n');

  const started = Promise.race([isReady, exited.then(() => 'ended' as const)]);
  const first = await inTime(started, readyTimeoutMs, () => 'late' as const);
  if (first !== 'ready') {
    await kill();
    const what =
      first === 'ended' ? 'ended before it was ready' : `was not ready within ${readyTimeoutMs} ms`;
    throw new Error(`${command} ${what}; its last output:\n${lines.slice(-30).join('\n')}`);
  }
  return {
    pid: child.pid!,
    lines,
    output,
    exited,
    stop,
    kill,
    [Symbol.asyncDispose]: async () => void (await stop()),
  };
}

function dyingWithUs(command: string[]): string[] {
  return orphansEnd ? [SETPRIV, '--pdeathsig', 'TERM', '--', ...command] : command;
}

function childEnv(added: ProgramOptions['env']): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('SPAWNER_'));
  return { ...Object.fromEntries(inherited), ...added };
}
