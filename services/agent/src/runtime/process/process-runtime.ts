import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, closeSync, constants, openSync, statSync } from 'node:fs';
import { totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { type Clock, isBackendId } from '@spawner/domain';
import type { BackendSpec } from '@spawner/proto/v1/backend';
import type { TailLogsResponse } from '@spawner/proto/v1/backend_service';
import { connectionTable } from '../../network/connection-table.ts';
import { readObject, type StateDir } from '../../state/state-dir.ts';
import {
  type Condition,
  type Endpoints,
  identityVariables,
  type LogOptions,
  type Program,
  type Runtime,
  RuntimeError,
  type Sample,
  STOP_SIGNAL,
} from '../runtime.ts';
import { FreePorts } from './free-ports.ts';
import { backendProcesses, cpuPercent, processFacts, processTable } from './proc.ts';
import { fileLines } from './process-log.ts';

export interface ProcessOptions {
  /** Directory of the programs that may be run. Empty for none. */
  readonly programs: string;
  readonly state: StateDir;
  readonly clock: Clock;
}

/** A started program, as stored in its directory. */
interface Running {
  readonly pid: number;
  readonly startTime: number;
  readonly port: number;
}

const HOST = '127.0.0.1';
const RUN_FILE = 'run.json';
const EXIT_FILE = 'exit';
const LOOK_EVERY_MS = 250;
const SAMPLE_EVERY_MS = 1_000;
const REMOVAL_MS = 5_000;
const REMOVAL_REST_MS = 100;
/** Waits for the program and stores its exit code, so that a restarted agent can read it. */
const KEEPER = `trap : TERM INT HUP QUIT USR1 USR2 WINCH
file=$1; shift
"$@"
code=$?
echo $code > "$file.new" && mv "$file.new" "$file"
exit $code`;

/** Runs backends as plain processes that outlive the agent, each in its own session. */
export class ProcessRuntime implements Runtime {
  readonly kind = 'process';
  readonly #options: ProcessOptions;
  readonly #state: StateDir;
  readonly #created = new Map<string, { program: Program; path: string; port: number }>();
  readonly #ports = new FreePorts();
  readonly #processes: ReturnType<typeof processTable>;
  readonly #connections: ReturnType<typeof connectionTable>;
  readonly #watchers = new Set<(id?: string) => void>();

  constructor(options: ProcessOptions) {
    this.#options = options;
    this.#state = options.state.below('process');
    for (const id of this.#state.names()) {
      const running = isBackendId(id) ? this.#running(id) : undefined;
      if (running) this.#ports.reserve(id, running.port);
    }
    this.#connections = connectionTable(options.clock);
    this.#processes = processTable(options.clock);
  }

  async pull(spec: BackendSpec): Promise<void> {
    this.#pathOf(spec.image);
  }

  async create(program: Program): Promise<void> {
    const { id, spec } = program;
    const path = this.#pathOf(spec.image);
    if (spec.command.length > 0)
      throw new RuntimeError(
        'this drone runs only its own programs: command must be empty (args are allowed)',
      );
    await this.remove(id);
    this.#created.set(id, { program, path, port: await this.#ports.allocate(id) });
  }

  async start(id: string): Promise<Endpoints> {
    const created = this.#created.get(id);
    if (!created) throw new Error('start before create');
    this.#created.delete(id);
    const { program, path, port } = created;
    const dir = this.#state.below(id);
    const outputs = ['stdout', 'stderr'].map((name) => openSync(join(dir.path, name), 'a', 0o600));
    const args = ['-c', KEEPER, 'sh', join(dir.path, EXIT_FILE), path, ...program.spec.args];
    const child = spawn('/bin/sh', args, {
      cwd: dirname(path),
      detached: true,
      stdio: ['ignore', ...outputs],
      env: environment(program, port),
    });
    for (const file of outputs) closeSync(file);
    child.unref();
    child.once('exit', () => {
      for (const changed of this.#watchers) changed(id);
    });
    await once(child, 'spawn').catch((cause) => {
      throw new RuntimeError('the program cannot be started', { cause });
    });
    const { pid = 0 } = child;
    const running: Running = { pid, startTime: processFacts(pid)?.startTime ?? 0, port };
    dir.write(RUN_FILE, JSON.stringify(running));
    return { local: { host: HOST, port } };
  }

  async signal(id: string, name: string): Promise<boolean> {
    const running = this.#running(id);
    if (!running || !isAlive(running)) return false;
    process.kill(-running.pid, (name || STOP_SIGNAL) as NodeJS.Signals);
    return true;
  }

  async remove(id: string): Promise<void> {
    this.#created.delete(id);
    const session = this.#running(id)?.pid;
    // If the agent died before it stored the start, the program can only be found by its environment.
    const mayRun = session !== undefined || this.#state.names().includes(id);
    const left = () => (mayRun ? backendProcesses(id, session) : []);
    const deadline = this.#options.clock.now() + REMOVAL_MS;
    let restMs = 5;
    for (let members = left(); members.length > 0; members = left()) {
      if (this.#options.clock.now() > deadline) throw new Error('the processes of the program do not end');
      for (const { pid } of members) kill(pid);
      await this.#options.clock.sleep(restMs);
      restMs = Math.min(2 * restMs, REMOVAL_REST_MS);
    }
    this.#state.remove(id);
    this.#ports.release(id);
  }

  async inspect(id: string): Promise<Condition> {
    const running = this.#running(id);
    if (!running) return { is: 'absent' };
    if (isAlive(running)) return { is: 'running', endpoints: { local: { host: HOST, port: running.port } } };
    const code = this.#state.read(join(id, EXIT_FILE))?.trim();
    return { is: 'exited', exit: { code: code ? Number(code) : undefined, outOfMemory: false } };
  }

  async *logs(id: string, options: LogOptions): AsyncGenerator<TailLogsResponse> {
    const running = this.#running(id);
    if (!running) return;
    yield* fileLines(join(this.#state.path, id), options, () => isAlive(running), this.#options.clock);
  }

  async *stats(id: string, signal: AbortSignal): AsyncGenerator<Sample> {
    const { clock } = this.#options;
    let before: { at: number; ticks: number } | undefined;
    for (;;) {
      const { at, processes } = this.#processes(SAMPLE_EVERY_MS / 2);
      const running = this.#running(id);
      if (!running || !isAlive(running) || signal.aborted) return;
      const members = backendProcesses(id, running.pid, processes);
      const now = { at, ticks: members.reduce((sum, { ticks }) => sum + ticks, 0) };
      const memoryBytes = members.reduce((sum, member) => sum + member.memoryBytes, 0);
      if (before)
        yield {
          cpuPercent: cpuPercent(now.ticks - before.ticks, now.at - before.at),
          memoryPercent: (memoryBytes / totalmem()) * 100,
          memoryBytes,
        };
      before = now;
      await clock.sleep(SAMPLE_EVERY_MS, signal).catch(() => {});
    }
  }

  async established(id: string): Promise<number | undefined> {
    const running = this.#running(id);
    return running && this.#connections(running.port);
  }

  async list(): Promise<string[]> {
    return this.#state.names().filter((name) => isBackendId(name));
  }

  async watch(changed: (id?: string) => void, signal: AbortSignal): Promise<void> {
    this.#watchers.add(changed);
    const ended = new Set<string>();
    try {
      // An adopted program is not a child of this process, so its end must be polled for.
      while (!signal.aborted) {
        for (const id of await this.list()) {
          const running = this.#running(id);
          if (!running || isAlive(running)) ended.delete(id);
          else if (!ended.has(id)) {
            ended.add(id);
            changed(id);
          }
        }
        await this.#options.clock.sleep(LOOK_EVERY_MS, signal);
      }
    } finally {
      this.#watchers.delete(changed);
    }
  }

  close(): void {}

  #running(id: string): Running | undefined {
    // If a power loss damaged the file, the program ended with the machine.
    return readObject(this.#state, join(id, RUN_FILE));
  }

  #pathOf(image: string): string {
    const { programs } = this.#options;
    const name = programName(image);
    const candidates = [join(programs, name, 'run'), join(programs, name)];
    const found = programs === '' ? undefined : candidates.find(isProgram);
    if (!found) throw new RuntimeError(`no program named ${name} is allowed on this drone`);
    return found;
  }
}

/** The program's name in an image reference: the last part, without tag and digest. */
export function programName(image: string): string {
  const name = (image.split('@')[0] ?? '').split('/').at(-1)?.split(':')[0] ?? '';
  if (!/^[a-z0-9][a-z0-9._-]*$/.test(name)) throw new RuntimeError(`${image} names no program`);
  return name;
}

/** Passes on only PATH, HOME and LANG of the agent's own environment. */
function environment(program: Program, port: number): Record<string, string> {
  const { PATH = '/usr/local/bin:/usr/bin:/bin', HOME = '/', LANG = 'C.UTF-8' } = process.env;
  return { PATH, HOME, LANG, ...program.spec.env, HOST, PORT: String(port), ...identityVariables(program) };
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function isAlive({ pid, startTime }: Running): boolean {
  const facts = processFacts(pid);
  return facts !== undefined && !facts.zombie && facts.startTime === startTime;
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
