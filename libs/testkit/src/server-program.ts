/** A real server as a fixture: it keeps its port over restarts, and a question shows whether it answers. */

import { eventually } from './eventually.ts';
import { freePort } from './free-port.ts';
import { PATIENCE } from './patience.ts';
import { type Program, startProgram } from './program.ts';

export interface ServerProgram extends AsyncDisposable {
  port: number;
  /** The output of the present process. */
  output(): string;
  /** Starts it again on the same port after `stop` or `kill`; resolves when it answers. */
  start(): Promise<void>;
  /** Ends it (SIGTERM) and resolves when it has gone. */
  stop(): Promise<unknown>;
  /** Ends it at once (SIGKILL). */
  kill(): Promise<unknown>;
  /** `stop`, then `start`: a new process on the same port. */
  restart(): Promise<void>;
  /** Its process id, for SIGSTOP and the like. */
  pid(): number;
}

export interface ServerRecipe {
  command: string;
  args: (port: number) => string[];
  env?: Record<string, string>;
  /** Resolves when the server on this port answers, and rejects while it does not. */
  answers: (port: number) => Promise<unknown>;
  /** Its output if its start met that of another such server on this machine. It is then started again. */
  collision?: RegExp;
}

const START_TRIES = 3;

/** Starts the server on a free port. Another program may take that port in between: then it is tried on another one. */
export async function startServer(recipe: ServerRecipe): Promise<ServerProgram> {
  for (let left = START_TRIES - 1; ; left -= 1) {
    try {
      return await startServerAt(await freePort(), recipe);
    } catch (error) {
      if (left === 0) throw error;
    }
  }
}

/** Starts the server on this port, or without one if it is 0. */
export async function startServerAt(port: number, recipe: ServerRecipe): Promise<ServerProgram> {
  let program = await run(recipe, port);
  const stop = () => program.stop();
  const start = async () => {
    program = await run(recipe, port);
  };
  return {
    port,
    output: () => program.output(),
    pid: () => program.pid,
    start,
    stop,
    kill: () => program.kill(),
    restart: async () => {
      await stop();
      await start();
    },
    [Symbol.asyncDispose]: async () => void (await stop()),
  };
}

async function run(recipe: ServerRecipe, port: number): Promise<Program> {
  for (let left = START_TRIES - 1; ; left -= 1) {
    try {
      return await runOnce(recipe, port);
    } catch (error) {
      if (left === 0 || !recipe.collision?.test(String(error))) throw error;
    }
  }
}

async function runOnce(recipe: ServerRecipe, port: number): Promise<Program> {
  const program = await startProgram({ command: recipe.command, args: recipe.args(port), env: recipe.env });
  let ended = false;
  program.exited.then(() => {
    ended = true;
  });
  try {
    await eventually(() => (ended ? 'ended' : recipe.answers(port)), { timeoutMs: PATIENCE.startMs });
    if (ended) throw new Error('it ended at once');
  } catch (cause) {
    await program.stop();
    throw new Error(`${recipe.command} did not start; its output:\n${program.output()}`, { cause });
  }
  return program;
}
