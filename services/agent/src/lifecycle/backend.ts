import { randomUUID } from 'node:crypto';
import { backoffMs, type Clock, DEADLINES, type Semaphore } from '@spawner/domain';
import { BackendState } from '@spawner/proto/v1/backend';
import type { RefusedEnd } from '@spawner/proto/v1/explanation';
import { type Context, inContext, inSpan, type Log, ROOT_CONTEXT } from '@spawner/service';
import { withRefusal } from '../idle/refused-ends.ts';
import { type Usage, unusedSince } from '../idle/usage.ts';
import type { Metrics } from '../metrics.ts';
import { type Runtime, RuntimeError } from '../runtime/runtime.ts';
import type { Journal, JournalEntry } from '../state/journal.ts';
import { LAST_LINES } from './last-lines.ts';
import { hasEnded, isRunning, type Life } from './life.ts';
import { type Effect, type LifeEvent, resume, type Step, step } from './life-machine.ts';
import { type Attempt, untilAnswers } from './probe.ts';

/** What every backend of a drone works with. */
export interface BackendParts {
  readonly runtime: Runtime;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly log: Log;
  readonly starts: Semaphore;
  readonly metrics: Metrics;
  /** One attempt to reach a program that starts. */
  readonly attempt: Attempt;
  readonly random: () => number;
  /** Called after every change of a backend's status. */
  readonly changed: (backend: Backend) => void;
}

/**
 * One backend at work: takes what happens to it one by one, writes the journal, then does what the
 * machine in life-machine.ts orders, in order. Whatever fails in here ends the backend as INTERNAL.
 */
export class Backend {
  readonly id: string;
  usage: Usage;
  #refusedEnds: readonly RefusedEnd[] = [];
  #entry: JournalEntry;
  readonly #parts: BackendParts;
  readonly #trace: Context;
  readonly #log: Log;
  readonly #queue: Effect[] = [];
  readonly #closing = new AbortController();
  #cut = new AbortController();
  #working = false;
  #resuming = false;
  #createMs = 0;
  #looking: Promise<void> | undefined;
  #lookAgain = false;

  constructor(entry: JournalEntry, tools: BackendParts, trace: Context = ROOT_CONTEXT) {
    this.id = entry.id;
    this.#entry = entry;
    this.#parts = tools;
    this.#trace = trace;
    this.#log = tools.log.child({ backend: entry.id });
    this.usage = unusedSince(entry.life.readyAt ?? tools.clock.now());
  }

  get entry(): JournalEntry {
    return this.#entry;
  }

  get life(): Life {
    return this.#entry.life;
  }

  /** The last ends for idleness that were not made, oldest first. */
  get refusedEnds(): readonly RefusedEnd[] {
    return this.#refusedEnds;
  }

  refused(cause: string): void {
    this.#refusedEnds = withRefusal(this.#refusedEnds, cause, this.#parts.clock.wall());
  }

  /** Takes a event; one that changes nothing costs nothing. */
  take(event: LifeEvent): void {
    if (!this.#closing.signal.aborted) this.#follow(step(this.life, event, this.#instant()));
  }

  /** Goes on from the journal after a restart of the agent, as soon as the runtime answers. */
  async resume(activeAt: number | undefined): Promise<void> {
    if (activeAt !== undefined) this.usage = unusedSince(Math.max(activeAt, this.usage.activeAt));
    if (hasEnded(this.life)) return;
    this.#resuming = true;
    const condition = await this.#insist('looking', () => this.#parts.runtime.inspect(this.id));
    this.#resuming = false;
    this.#follow(resume(this.life, condition, this.#instant()));
  }

  /** Compares what the runtime has with what should be. A call during a look makes it look once more. */
  look(): Promise<void> {
    this.#lookAgain = this.#looking !== undefined;
    this.#looking ??= this.#lookOften().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  /** Lets go: nothing is done or reported any more, and the program goes on. */
  close(): void {
    this.#closing.abort(new Error('the agent is stopping'));
    this.#cut.abort(new Error('the agent is stopping'));
  }

  async #lookOften(): Promise<void> {
    do {
      this.#lookAgain = false;
      if (!isRunning(this.life) && this.life.status.state !== BackendState.STARTING) return;
      const { startedAt } = this.life;
      const condition = await this.#parts.runtime.inspect(this.id);
      // It was started meanwhile: what was seen before says nothing of that.
      if (this.life.startedAt !== startedAt) this.#lookAgain = true;
      else if (condition.is === 'exited') this.take({ type: 'exited', exit: condition.exit });
      else if (condition.is === 'absent') this.take({ type: 'exited' });
    } while (this.#lookAgain);
  }

  #instant() {
    return { now: this.#parts.clock.now(), wall: this.#parts.clock.wall() };
  }

  #follow({ life, effects }: Step): void {
    const before = this.life;
    if (life !== before) this.#keep(life);
    // What is to be done while it is looked for follows from the life that there is then.
    for (const effect of this.#resuming ? [] : effects) {
      if (effect === 'abort') {
        // What has not begun yet was for a program that is not to be any more.
        this.#queue.length = 0;
        this.#cut.abort(new Error('its end has begun'));
        this.#cut = new AbortController();
      } else this.#queue.push(effect);
    }
    if (life.status !== before.status) this.#announce(life, before);
    void this.#work();
  }

  #keep(life: Life): void {
    const { spec } = this.#entry;
    const loaded = life.status.state > BackendState.LOADING;
    this.#entry = {
      ...this.#entry,
      life,
      spec: loaded && spec.credentials ? { ...spec, credentials: undefined } : spec,
    };
    try {
      this.#parts.journal.write(this.#entry);
    } catch (error) {
      this.#log.error({ error }, 'the journal cannot be written');
    }
  }

  #announce(life: Life, before: Life): void {
    const { state, endReason, endDetail, exitCode } = life.status;
    const { metrics, clock } = this.#parts;
    if (state === before.status.state) return;
    if (state === BackendState.READY) {
      this.usage = unusedSince(clock.now());
      metrics.answered((clock.now() - (life.startedAt ?? clock.now())) / 1_000);
    }
    if (state === BackendState.TERMINATED) metrics.ended(endReason);
    this.#log.info({ state, end_reason: endReason, end_detail: endDetail, exit_code: exitCode }, 'moved');
    this.#parts.changed(this);
  }

  async #work(): Promise<void> {
    if (this.#working) return;
    this.#working = true;
    for (let effect = this.#queue.shift(); effect; effect = this.#queue.shift()) {
      const cut = this.#cut.signal;
      try {
        await inContext(this.#trace, () => this.#perform(effect, cut));
      } catch (error) {
        if (!cut.aborted && !this.#closing.signal.aborted) this.#fault(error, effect);
      }
    }
    this.#working = false;
  }

  #fault(error: unknown, effect: Effect): void {
    const errorId = randomUUID();
    this.#log.error({ error, error_id: errorId, effect }, 'a backend ends by a fault');
    this.take({ type: 'fault', detail: `internal error ${errorId}` });
  }

  #perform(effect: Effect, cut: AbortSignal): Promise<void> {
    switch (effect) {
      case 'pull':
        return this.#pull(cut);
      case 'create':
        return this.#create(cut);
      case 'start':
        return this.#start(cut);
      case 'probe':
        return this.#probe(cut);
      case 'signal':
        return this.#signal();
      default:
        return this.#remove();
    }
  }

  async #pull(cut: AbortSignal): Promise<void> {
    const { runtime, metrics, clock } = this.#parts;
    const { spec } = this.#entry;
    const began = clock.now();
    try {
      await inSpan('pull image', { 'container.image.name': spec.image }, () => runtime.pull(spec, cut));
    } catch (error) {
      if (!(error instanceof RuntimeError)) throw error;
      return this.take({ type: 'load_failed', detail: error.words });
    }
    metrics.pulled((clock.now() - began) / 1_000);
    this.take({ type: 'loaded' });
  }

  async #create(cut: AbortSignal): Promise<void> {
    await this.#launch(cut, async (began) => {
      await inSpan('create container', {}, () => this.#parts.runtime.create(this.#entry));
      this.#createMs = this.#parts.clock.now() - began;
    });
  }

  async #start(cut: AbortSignal): Promise<void> {
    const { runtime, metrics, clock } = this.#parts;
    await this.#launch(cut, async (began) => {
      const endpoints = await inSpan('start container', {}, () => runtime.start(this.id));
      metrics.launched((this.#createMs + clock.now() - began) / 1_000);
      this.take({ type: 'started', endpoints });
    });
  }

  /** Runs one step of the launch in its turn. A refusal by the runtime ends the backend. */
  async #launch(cut: AbortSignal, work: (began: number) => Promise<void>): Promise<void> {
    const { starts, clock } = this.#parts;
    await starts.run(async () => {
      if (cut.aborted) return;
      try {
        await work(clock.now());
      } catch (error) {
        if (!(error instanceof RuntimeError)) throw error;
        this.take({ type: 'start_failed', detail: error.words });
      }
    });
  }

  async #probe(cut: AbortSignal): Promise<void> {
    const { local } = this.life.status;
    const { readiness } = this.#entry.spec;
    if (!local) throw new Error('a started backend has no endpoint');
    const { clock, attempt } = this.#parts;
    await inSpan('wait ready', {}, () => untilAnswers(local, readiness?.httpPath ?? '', clock, cut, attempt));
    this.take({ type: 'answered' });
  }

  async #signal(): Promise<void> {
    const name = this.#entry.spec.stopSignal || 'SIGTERM';
    const ran = await this.#insist('stopping', () => this.#parts.runtime.signal(this.id, name));
    if (ran) return;
    // Its start was cut short: nothing of it runs, and nothing will.
    if (this.life.startedAt === undefined) this.take({ type: 'exited' });
    else await this.#insist('looking', () => this.look());
  }

  async #remove(): Promise<void> {
    const { runtime } = this.#parts;
    const keepLogs = this.life.ending?.keepLogs ?? false;
    await this.#insist('removing', async () => {
      const condition = await runtime.inspect(this.id);
      const exit = condition.is === 'exited' ? condition.exit : undefined;
      const lastLogs = keepLogs && condition.is !== 'absent' ? await this.#lastLines() : [];
      await runtime.remove(this.id);
      this.take({ type: 'gone', lastLogs, exit });
    });
  }

  async #lastLines(): Promise<string[]> {
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(DEADLINES.call)]);
    const lines: string[] = [];
    try {
      const options = { follow: false, tailLines: LAST_LINES, signal };
      for await (const { text } of this.#parts.runtime.logs(this.id, options))
        if (lines.push(text) > LAST_LINES) lines.shift();
    } catch (error) {
      this.#log.warn({ error }, 'its last lines cannot be read');
    }
    return lines;
  }

  /** An end that was ordered is carried out, however long the runtime is away. */
  async #insist<T>(what: string, work: () => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await work();
      } catch (error) {
        this.#closing.signal.throwIfAborted();
        this.#log.warn({ error, attempt }, `${what} failed; again`);
        await this.#parts.clock.sleep(backoffMs(attempt, this.#parts.random), this.#closing.signal);
      }
    }
  }
}
