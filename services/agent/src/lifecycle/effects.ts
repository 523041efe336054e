import { backoffMs, type Clock, DEADLINES, within } from '@spawner/domain';
import { EndReason } from '@spawner/proto/v1/backend';
import { inSpan, type Log } from '@spawner/service';
import type { Metrics } from '../metrics.ts';
import { type Runtime, RuntimeError } from '../runtime/runtime.ts';
import type { Backend } from './backend.ts';
import type { Work } from './effect-queue.ts';
import { LAST_LINES } from './last-lines.ts';
import { type Attempt, untilAnswers } from './probe.ts';
import { startHint } from './start-hint.ts';
import type { StartQueue } from './start-queue.ts';
import { type Steps, stepsOfCreation, wholeMs } from './step-times.ts';

/** The tools that the effects of every backend share. */
export interface EffectParts {
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly starts: StartQueue;
  /** One attempt to reach a program that starts. */
  readonly attempt: Attempt;
  readonly random: () => number;
}

type OwnParts = EffectParts & {
  /** Ends every retry: the agent is stopping. */
  readonly closing: AbortSignal;
  /** Resolves when the backend's entry in the journal survives a power loss. */
  readonly kept: Promise<void>;
};

/** The backend that the effects are for. */
type Subject = Pick<Backend, 'id' | 'entry' | 'life' | 'take' | 'look'>;

/**
 * Carries out the effects that life-machine.ts orders for one backend, and feeds their outcome back as events. Each effect
 * is the method of its name. Its signal aborts when the effect is no longer wanted.
 */
export class Effects implements Record<Work, (signal: AbortSignal) => Promise<void>> {
  readonly #subject: Subject;
  readonly #parts: OwnParts;
  /** Undefined if an agent before this one created the container. */
  #created: { readonly ms: number; readonly steps: Steps } | undefined;

  constructor(subject: Subject, parts: OwnParts) {
    this.#subject = subject;
    this.#parts = parts;
  }

  /** Repeats `work` with back-off until it succeeds, because an ordered end must survive an outage of the runtime. */
  async insist<T>(what: string, work: () => Promise<T>): Promise<T> {
    const { clock, log, random, closing } = this.#parts;
    for (let attempt = 0; ; attempt++) {
      try {
        return await work();
      } catch (error) {
        closing.throwIfAborted();
        log.warn({ error, attempt }, `${what} failed; it is tried again`);
        await clock.sleep(backoffMs(attempt, random), closing);
      }
    }
  }

  async pull(signal: AbortSignal): Promise<void> {
    const { runtime, metrics } = this.#parts;
    const { spec } = this.#subject.entry;
    const about = { 'container.image.name': spec.image };
    try {
      const { ms } = await this.#timed('pull image', () => runtime.pull(spec, signal), about);
      metrics.pulled(ms / 1_000);
      this.#subject.take({ type: 'loaded', steps: { pullMs: wholeMs(ms) } });
    } catch (error) {
      if (!(error instanceof RuntimeError)) throw error;
      this.#subject.take({ type: 'load_failed', detail: error.message });
    }
  }

  async queue(signal: AbortSignal): Promise<void> {
    const { starts, metrics } = this.#parts;
    const { ms } = await this.#timed('wait for a place', () => starts.enter(this.#subject.entry, signal));
    metrics.queued(ms / 1_000);
    this.#subject.take({ type: 'admitted', steps: { queueMs: wholeMs(ms) } });
  }

  async create(signal: AbortSignal): Promise<void> {
    const { runtime, starts, metrics } = this.#parts;
    await this.#launch(signal, async () => {
      let networkMs: number | undefined;
      const networked = (ms: number) => {
        networkMs = ms;
      };
      const create = () => runtime.create(this.#subject.entry, networked);
      const { ms } = await this.#timed('create container', create);
      this.#created = { ms, steps: stepsOfCreation(ms, networkMs) };
      if (networkMs !== undefined) metrics.networked(networkMs / 1_000);
      metrics.created((ms - (networkMs ?? 0)) / 1_000);
      // Without an acknowledgement the start waits for the scheduler, not for this machine.
      if (!this.#subject.life.acknowledged) starts.started(this.#subject.id);
    });
  }

  async start(signal: AbortSignal): Promise<void> {
    const { runtime, metrics, kept } = this.#parts;
    await kept;
    await this.#launch(signal, async () => {
      const { id } = this.#subject;
      const { value: endpoints, ms } = await this.#timed('start container', () => runtime.start(id));
      const created = this.#created;
      metrics.launched(((created?.ms ?? 0) + ms) / 1_000);
      const steps = { ...created?.steps, startMs: wholeMs(ms) };
      this.#subject.take({ type: 'started', endpoints, steps });
    });
  }

  /** Runs one step of the launch. A RuntimeError ends the backend. */
  async #launch(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    if (signal.aborted) return;
    try {
      await work();
    } catch (error) {
      if (!(error instanceof RuntimeError)) throw error;
      this.#subject.take({ type: 'start_failed', detail: error.message });
    }
  }

  async probe(signal: AbortSignal): Promise<void> {
    const { local } = this.#subject.life.status;
    const { readiness } = this.#subject.entry.spec;
    if (!local) throw new Error('a started backend has no endpoint');
    const { clock, attempt } = this.#parts;
    const answered = () => attempt(local, readiness?.httpPath ?? '');
    const { ms } = await this.#timed('wait ready', () => untilAnswers(answered, clock, signal));
    this.#subject.take({ type: 'answered', steps: { readyMs: wholeMs(ms) } });
  }

  /** Runs a step of the start in a span. Returns its value and the milliseconds that it took. */
  async #timed<T>(name: string, work: () => Promise<T>, about: Record<string, string> = {}) {
    const { clock } = this.#parts;
    const began = clock.now();
    const value = await inSpan(name, about, work);
    return { value, ms: clock.now() - began };
  }

  async signal(): Promise<void> {
    const { id, entry, life } = this.#subject;
    if (life.ending?.reason === EndReason.STARTUP_TIMEOUT) await this.#hint();
    const { stopSignal } = entry.spec;
    const ran = await this.insist('stopping', () => this.#parts.runtime.signal(id, stopSignal));
    if (ran) return;
    // A program that was never started leaves no exit to be found.
    if (this.#subject.life.startedAt === undefined) this.#subject.take({ type: 'exited' });
    else await this.insist('inspecting', () => this.#subject.look());
  }

  /** Says what is known of a program that did not become ready. Never rejects: it ends in any case. */
  async #hint(): Promise<void> {
    const { runtime, log } = this.#parts;
    const { id, life } = this.#subject;
    const listeners = await runtime.listeners?.(id).catch((error: unknown) => {
      log.warn({ error }, 'the addresses at which the program listens cannot be read');
      return undefined;
    });
    const { local } = life.status;
    if (local) this.#subject.take({ type: 'hint', detail: startHint(local.port, listeners) });
  }

  async remove(): Promise<void> {
    const { runtime } = this.#parts;
    const { id } = this.#subject;
    await this.insist('removing', async () => {
      const condition = await runtime.inspect(id);
      const exit = condition.is === 'exited' ? condition.exit : undefined;
      const killed = condition.is === 'running' || condition.is === 'severed';
      const lastLogs = condition.is === 'absent' ? [] : await this.#lastLines();
      await runtime.remove(id);
      this.#subject.take({ type: 'gone', lastLogs, exit, killed });
    });
  }

  async #lastLines(): Promise<string[]> {
    const { runtime, clock, log, closing } = this.#parts;
    const lines: string[] = [];
    const read = async (signal: AbortSignal) => {
      const options = { follow: false, tailLines: LAST_LINES, signal };
      for await (const { text } of runtime.logs(this.#subject.id, options))
        if (lines.push(text) > LAST_LINES) lines.shift();
    };
    try {
      await within(clock, DEADLINES.call, read, closing);
    } catch (error) {
      log.warn({ error }, 'the last log lines cannot be read');
    }
    return lines;
  }
}
