import { BackendState } from '@spawner/proto/v1/backend';
import type { RefusedEnd, UnforwardableAnswer } from '@spawner/proto/v1/explanation';
import { type Context, inContext, type Log, measuredSpan, ROOT_CONTEXT } from '@spawner/service';
import { withRefusal } from '../idle/refused-ends.ts';
import { type Usage, unusedSince } from '../idle/usage.ts';
import type { Journal, JournalEntry } from '../state/journal.ts';
import { coalesced } from './coalesced.ts';
import { EffectQueue, type Work } from './effect-queue.ts';
import { type EffectParts, Effects } from './effects.ts';
import { hasEnded, hasImage, isRunning, type Life } from './life.ts';
import { type LifeEvent, resume, type Step, step } from './life-machine.ts';

/** The most characters that are kept of the reason why an answer could not be forwarded. */
const MOST_OBJECTION = 200;

/** The tools that every backend of a drone shares. */
export interface BackendParts extends EffectParts {
  readonly journal: Journal;
  /** Creates the id that connects the log with a backend that ended as INTERNAL. */
  readonly newErrorId: () => string;
  /** Called after every change of a backend's status. */
  readonly changed: (backend: Backend) => void;
}

/** A backend that is new here. */
export interface Origin {
  /** Resolves when its entry in the journal survives a power loss. */
  readonly kept: Promise<void>;
  /** The spawn that it is a part of. */
  readonly trace: Context;
}

/**
 * One backend: takes events one by one, writes the journal, then carries out the effects that life-machine.ts orders. An
 * unexpected error in an effect ends the backend as INTERNAL.
 */
export class Backend {
  readonly id: string;
  usage: Usage;
  /** The last idle shutdowns that were refused, oldest first. */
  refusedEnds: readonly RefusedEnd[] = [];
  /** The last answer of its program that a proxy could not forward. */
  unforwardable: UnforwardableAnswer | undefined;
  /** Compares the runtime with the life, and takes the exit of a program that has ended. */
  readonly look = coalesced(() => this.#inspect());
  #entry: JournalEntry;
  readonly #parts: BackendParts;
  readonly #log: Log;
  readonly #closing = new AbortController();
  readonly #effects: Effects;
  readonly #queue: EffectQueue;
  readonly #trace: Context;
  /** Effects are dropped while the runtime is inspected after a restart: `resume` derives all of them from the life. */
  #adopting = false;

  constructor(
    entry: JournalEntry,
    parts: BackendParts,
    { kept = Promise.resolve(), trace = ROOT_CONTEXT }: Partial<Origin> = {},
  ) {
    this.id = entry.id;
    this.#entry = entry;
    this.#parts = parts;
    this.#log = parts.log.child({ backend: entry.id });
    this.usage = unusedSince(entry.life.readyAt ?? parts.clock.now());
    this.#effects = new Effects(this, { ...parts, log: this.#log, closing: this.#closing.signal, kept });
    // Only a start waits for it, and fails with it.
    kept.catch(() => {});
    this.#trace = trace;
    this.#queue = new EffectQueue(
      (effect, signal) => inContext(trace, () => this.#effects[effect](signal)),
      (error, effect) => this.#fault(error, effect),
    );
  }

  get entry(): JournalEntry {
    return this.#entry;
  }

  get life(): Life {
    return this.#entry.life;
  }

  /** Records that an idle shutdown was refused. */
  refused(cause: string): void {
    this.refusedEnds = withRefusal(this.refusedEnds, cause, this.#parts.clock.wall());
  }

  /** Records that a proxy could not forward an answer of the program. */
  notForwarded(objection: string): void {
    this.unforwardable = { objection: objection.slice(0, MOST_OBJECTION), time: this.#parts.clock.wall() };
  }

  /** Takes an event. An event that changes nothing has no effect and writes nothing. */
  take(event: LifeEvent): void {
    if (!this.#closing.signal.aborted) this.#follow(step(this.life, event, this.#instant()));
  }

  /** A proxy has seen the first byte of the first response, so long after the route was open there. */
  firstByte(ms: number): void {
    const before = this.life;
    this.take({ type: 'first_byte', steps: { firstByteMs: ms } });
    const { readyTime } = this.life.status;
    if (this.life !== before && readyTime) measuredSpan(this.#trace, 'first byte', readyTime, ms);
  }

  /** Continues from the journal after a restart of the agent, as soon as the runtime answers. */
  async adopt(activeAt: number | undefined): Promise<void> {
    if (activeAt !== undefined) this.usage = unusedSince(Math.max(activeAt, this.usage.activeAt));
    if (hasEnded(this.life)) return;
    this.#adopting = true;
    const condition = await this.#effects.insist('inspecting', () => this.#parts.runtime.inspect(this.id));
    this.#adopting = false;
    this.#follow(resume(this.life, condition, this.#instant()));
  }

  /** Stops working on the backend. The program keeps running. */
  close(): void {
    this.#closing.abort(new Error('the agent is stopping'));
    this.#queue.close();
  }

  /** Returns whether another look is needed. */
  async #inspect(): Promise<boolean> {
    if (!isRunning(this.life) && this.life.status.state !== BackendState.STARTING) return false;
    const { startedAt } = this.life;
    const condition = await this.#parts.runtime.inspect(this.id);
    // The program was started during the look, so the condition may be from before.
    if (this.life.startedAt !== startedAt) return true;
    if (condition.is === 'exited') this.take({ type: 'exited', exit: condition.exit });
    else if (condition.is === 'absent') this.take({ type: 'exited' });
    else if (condition.is === 'severed') this.take({ type: 'severed' });
    return false;
  }

  #instant() {
    return { now: this.#parts.clock.now(), wall: this.#parts.clock.wall() };
  }

  #follow({ life, effects }: Step): void {
    const before = this.life;
    if (life !== before) this.#keep(life, before);
    if (!this.#adopting) this.#queue.add(effects);
    if (life.status !== before.status) this.#announce(life, before);
    void this.#queue.work();
  }

  /** Credentials are dropped once the image is present. A full disk does not stop the backend. */
  #keep(life: Life, before: Life): void {
    const { journal } = this.#parts;
    const { spec } = this.#entry;
    const failed = (error: unknown) => this.#log.error({ error }, 'the journal cannot be written');
    const isDone = hasImage(life) && spec.credentials !== undefined;
    this.#entry = { ...this.#entry, life, spec: isDone ? { ...spec, credentials: undefined } : spec };
    try {
      if (isDone) journal.write(this.#entry);
      else journal.step(this.id, life);
    } catch (error) {
      failed(error);
    }
    if (life.readyAt !== before.readyAt) journal.flush(this.id).catch(failed);
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
    const fields = { state, end_reason: endReason, end_detail: endDetail, exit_code: exitCode };
    this.#log.info(fields, 'the state has changed');
    this.#parts.changed(this);
  }

  #fault(error: unknown, effect: Work): void {
    const errorId = this.#parts.newErrorId();
    this.#log.error({ error, error_id: errorId, effect }, 'an unexpected error ends the backend');
    this.take({ type: 'fault', detail: `internal error ${errorId}` });
  }
}
