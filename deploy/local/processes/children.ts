/** All processes that this `up` has started. */
import { systemClock } from '@spawner/domain';
import type { Part } from '../parts/parts.ts';
import { Child, type ChildSpec, describeExit } from './child.ts';
import { lastLines } from './log-lines.ts';
import { Supervised, type SupervisorOptions } from './supervisor.ts';

const POLL_MS = 50;
const LINES_SHOWN = 12;

export interface ChildrenOptions {
  say: (text: string) => void;
  /** After every start of a process. */
  started: (name: string, pid: number) => void;
}

export class Children {
  /** Rejects if one of them cannot be kept running. */
  readonly hopeless: Promise<never>;
  readonly #children = new Map<string, Supervised>();
  readonly #options: SupervisorOptions;

  constructor({ say, started }: ChildrenOptions) {
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => {});
    this.hopeless = promise;
    this.#options = { clock: systemClock, random: Math.random, say, started, hopeless: reject };
  }

  /** Starts a program and keeps it running. */
  start(spec: ChildSpec): void {
    this.#children.set(spec.name, new Supervised(spec, this.#options));
  }

  /** Starts a part and resolves with its address when it answers. Throws its last lines if it ends first, or after `withinMs`. */
  async startPart({ spec, address, answers }: Part, withinMs: number, signal: AbortSignal): Promise<string> {
    signal.throwIfAborted();
    const child = new Child(spec);
    const supervised = new Supervised(spec, this.#options, child);
    this.#children.set(spec.name, supervised);
    const limit = AbortSignal.any([signal, AbortSignal.timeout(withinMs)]);
    let ended = '';
    child.exited.then((exit) => {
      ended = describeExit(exit);
    });
    while (!(await answers()) && !ended && !limit.aborted)
      await systemClock.sleep(POLL_MS, limit).catch(() => {});
    signal.throwIfAborted();
    if (!ended && !limit.aborted) {
      supervised.keep();
      return address;
    }
    await this.stop([spec.name]);
    const lines = lastLines(spec.logFile, LINES_SHOWN).map((line) => `    ${line}`);
    const what = ended || `did not answer within ${withinMs / 1000} s`;
    throw new Error([`${spec.name} ${what}; the end of ${spec.logFile}:`, ...lines].join('\n'));
  }

  /** The pids of the running ones, by name. */
  pids(): Record<string, number> {
    const pids = [...this.#children].map(([name, { pid }]) => [name, pid] as const);
    return Object.fromEntries(pids.filter((entry): entry is [string, number] => entry[1] !== undefined));
  }

  /** Stops these one after another. Names that were never started are ignored. */
  async stop(names: readonly string[]): Promise<void> {
    for (const name of names) {
      await this.#children.get(name)?.stop();
      this.#children.delete(name);
    }
  }

  /** Sends SIGKILL to all remaining ones. */
  killAll(): void {
    for (const child of this.#children.values()) child.kill();
  }
}
