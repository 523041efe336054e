/** A child process whose output goes directly to a file, so that it neither blocks on us nor loses its last lines. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';

export interface ChildSpec {
  name: string;
  command: string;
  args: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
  logFile: string;
  /** Milliseconds from SIGTERM to SIGKILL. */
  stopWithinMs: number;
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** The reason if it never ran. */
  error?: Error;
}

export class Child {
  readonly exited: Promise<Exit>;
  readonly #process: ChildProcess;
  readonly #stopWithinMs: number;

  constructor(spec: ChildSpec) {
    this.#stopWithinMs = spec.stopWithinMs;
    const log = openSync(spec.logFile, 'a', 0o600);
    this.#process = spawn(spec.command, spec.args, {
      cwd: spec.cwd,
      env: { ...spec.env },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    this.exited = new Promise((resolve) => {
      this.#process.once('error', (error) => resolve({ code: null, signal: null, error }));
      this.#process.once('exit', (code, signal) => resolve({ code, signal }));
    });
  }

  /** Undefined if the program could not be started. */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Sends SIGTERM, and SIGKILL if it takes too long. Resolves when it is gone. */
  async stop(): Promise<Exit> {
    const force = setTimeout(() => this.kill(), this.#stopWithinMs);
    this.#process.kill('SIGTERM');
    return this.exited.finally(() => clearTimeout(force));
  }

  /** SIGKILL. */
  kill(): void {
    this.#process.kill('SIGKILL');
  }
}

/** How it ended, as the end of a sentence that begins with its name. */
export function describeExit({ code, signal, error }: Exit): string {
  if (error) return `could not be started: ${error.message}`;
  return signal ? `was ended by ${signal}` : `ended with code ${code}`;
}
