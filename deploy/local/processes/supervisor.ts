/** Keeps a program running: if it dies, prints its last lines and restarts it with backoff, until it is stopped. */
import type { Clock } from '@spawner/domain';
import { failuresInRow, restartDelayMs } from '@spawner/service/restart-policy';
import { Child, type ChildSpec, describeExit, type Exit } from './child.ts';
import { lastLines } from './log-lines.ts';

export interface SupervisorOptions {
  clock: Clock;
  random: () => number;
  say: (text: string) => void;
  /** Called after every start, including the first. */
  started: (name: string, pid: number) => void;
  /** Called if a program ended in a way that a restart cannot repair. */
  hopeless: (error: Error) => void;
}

/** The exit code of a service whose configuration is wrong. */
const WRONG_CONFIGURATION = 2;
const LINES_SHOWN = 5;
const DELAYS = { firstMs: 250, maxMs: 10_000 };

export class Supervised {
  readonly name: string;
  readonly #spec: ChildSpec;
  readonly #options: SupervisorOptions;
  readonly #stopping = new AbortController();
  readonly #finished: Promise<void>;
  #child: Child;
  #kept: boolean;

  /** `onProbation` is its running process, which is not restarted before `keep` is called. */
  constructor(spec: ChildSpec, options: SupervisorOptions, onProbation?: Child) {
    this.name = spec.name;
    this.#spec = spec;
    this.#options = options;
    this.#child = onProbation ?? new Child(spec);
    this.#kept = onProbation === undefined;
    this.#finished = this.#keepRunning();
  }

  /** The pid of the present process, or of the last one. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Restarts it from now on if it dies. */
  keep(): void {
    this.#kept = true;
  }

  /** Resolves when it is gone and will not be restarted. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#child.stop();
    await this.#finished;
  }

  /** Sends SIGKILL, without a restart. */
  kill(): void {
    this.#stopping.abort();
    this.#child.kill();
  }

  async #keepRunning(): Promise<void> {
    const { clock, random, say, started } = this.#options;
    let failures = 0;
    while (!this.#stopping.signal.aborted) {
      const startedAt = clock.now();
      if (this.#child.pid !== undefined) started(this.name, this.#child.pid);
      const exit = await this.#child.exited;
      if (this.#stopping.signal.aborted || !this.#kept) return;
      failures = failuresInRow(failures, clock.now() - startedAt);
      if (isHopeless(exit)) return this.#giveUp(exit);
      const ms = restartDelayMs(failures, random, DELAYS);
      say(`${this.#obituary(exit)}\nStarting ${this.name} again in ${(ms / 1000).toFixed(1)} s.`);
      await clock.sleep(ms, this.#stopping.signal).catch(() => {});
      if (!this.#stopping.signal.aborted) this.#child = new Child(this.#spec);
    }
  }

  #giveUp(exit: Exit): void {
    this.#options.hopeless(new Error(this.#obituary(exit)));
  }

  #obituary(exit: Exit): string {
    const lines = lastLines(this.#spec.logFile, LINES_SHOWN).map((line) => `    ${line}`);
    return [`${this.name} ${describeExit(exit)}; the end of ${this.#spec.logFile}:`, ...lines].join('\n');
  }
}

function isHopeless({ code, error }: Exit): boolean {
  return error !== undefined || code === WRONG_CONFIGURATION;
}
