import type { Clock } from '@spawner/domain';
import type { Log } from '@spawner/service';
import { mergedMetrics, type Told } from './merged-metrics.ts';
import type { FromWorker, ToWorker } from './messages.ts';
import type { TicketKeys } from './ticket-keys.ts';
import type { WorkerOwner, WorkerProcess } from './worker-process.ts';
import { Roster } from './worker-table.ts';

/**
 * Keeps as many workers alive as there should be, hands all of them the same ticket keys, and drains them together. To everybody
 * else each worker is a proxy; this is only the one who starts them.
 */
export interface SupervisorParts {
  readonly count: number;
  /** From being told to drain until what is left is killed, in milliseconds. */
  readonly drainMs: number;
  fork(slot: number, owner: WorkerOwner): WorkerProcess;
  readonly tickets: TicketKeys;
  readonly clock: Clock;
  readonly log: Log;
  random(): number;
}

const TURN_MS = 50;
const LOOK_EVERY_MS = 1_000;
/** A worker that has not told its metrics by then is left out. */
const METRICS_MS = 2_000;

export class Supervisor {
  readonly #parts: SupervisorParts;
  readonly #roster: Roster;
  readonly #workers = new Map<number, WorkerProcess>();
  readonly #over = new AbortController();
  readonly #turning: Promise<void>;
  readonly #questions = new Map<number, (text: string) => void>();
  #lastQuestion = 0;
  #keys: Buffer | undefined;
  #lookedAt: number;
  #failure: Error | undefined;

  constructor(parts: SupervisorParts) {
    this.#parts = parts;
    this.#roster = new Roster(parts.count, parts.random);
    this.#lookedAt = parts.clock.now();
    this.#turning = this.#turn();
  }

  /** Resolves when every worker has served once; rejects where they cannot start, and when the signal aborts. */
  async complete(signal: AbortSignal): Promise<void> {
    while (!this.#roster.complete) {
      if (this.#failure) throw this.#failure;
      await this.#parts.clock.sleep(TURN_MS, signal);
    }
  }

  /** A condition of readiness: one worker is enough. */
  waitingFor(): string | undefined {
    return this.#roster.serving > 0 ? undefined : 'a worker that serves';
  }

  /** Everybody's metrics, with `own` those of this process. */
  async metrics(own: string): Promise<string> {
    const told = await Promise.all([...this.#workers].map(([slot, worker]) => this.#ask(slot, worker)));
    return mergedMetrics([{ worker: 'supervisor', text: own }, ...told]);
  }

  /** Starts none any more, tells all to drain, waits for them, then kills what is left. */
  async close(): Promise<void> {
    const { clock, drainMs, log } = this.#parts;
    this.#roster.drain();
    this.#over.abort(new Error('the supervisor is closing'));
    await this.#turning;
    this.#tell({ kind: 'drain' });
    const until = clock.now() + drainMs;
    while (this.#roster.running > 0 && clock.now() < until) await clock.sleep(TURN_MS);
    if (this.#roster.running > 0) log.warn({ workers: this.#roster.running }, 'killing what has not drained');
    this.killAll();
  }

  /** At once; for a process that ends without having closed. */
  killAll(): void {
    for (const worker of this.#workers.values()) worker.kill('SIGKILL');
  }

  async #turn(): Promise<void> {
    const { clock, tickets } = this.#parts;
    const { signal } = this.#over;
    while (!signal.aborted) {
      const now = clock.now();
      const keys = tickets.at(now);
      if (keys !== this.#keys) {
        this.#keys = keys;
        this.#tell(keysMessage(keys));
      }
      for (const slot of this.#roster.due(now)) this.#start(slot, keys);
      if (now - this.#lookedAt >= LOOK_EVERY_MS) this.#look(now);
      await clock.sleep(TURN_MS, signal).catch(() => {});
    }
  }

  #start(slot: number, keys: Buffer): void {
    const { clock, fork, log } = this.#parts;
    this.#roster.started(slot);
    const worker = fork(slot, {
      heard: (message) => this.#heard(slot, message),
      exited: (exit) => {
        this.#workers.delete(slot);
        const next = this.#roster.exited(slot, exit, clock.now());
        const fields = { worker: slot, pid: worker.pid, ...exit };
        if (next.kind === 'over') log.info(fields, 'a worker has ended');
        else if (next.kind === 'again')
          log.warn({ ...fields, again_in_ms: Math.round(next.inMs) }, 'a worker has ended');
        else this.#failure ??= new Error(`worker ${slot} cannot start: it ended with code ${exit.code}`);
      },
    });
    this.#workers.set(slot, worker);
    worker.send(keysMessage(keys));
    log.info({ worker: slot, pid: worker.pid }, 'a worker was started');
  }

  #heard(slot: number, message: FromWorker): void {
    if (message.kind === 'state')
      this.#roster.heard(slot, message.waitingFor.length === 0, this.#parts.clock.now());
    else this.#questions.get(message.question)?.(message.text);
  }

  #look(now: number): void {
    this.#lookedAt = now;
    for (const slot of this.#roster.look()) {
      this.#parts.log.error({ worker: slot }, 'a worker says nothing any more; it is killed');
      this.#workers.get(slot)?.kill('SIGKILL');
    }
  }

  #tell(message: ToWorker): void {
    for (const worker of this.#workers.values()) worker.send(message);
  }

  async #ask(slot: number, worker: WorkerProcess): Promise<Told> {
    const question = ++this.#lastQuestion;
    const answered = new AbortController();
    let text = '';
    this.#questions.set(question, (told) => {
      text = told;
      answered.abort();
    });
    worker.send({ kind: 'tell metrics', question });
    await this.#parts.clock.sleep(METRICS_MS, answered.signal).catch(() => {});
    this.#questions.delete(question);
    return { worker: String(slot), text };
  }
}

function keysMessage(keys: Buffer): ToWorker {
  return { kind: 'ticket keys', keys: keys.toString('base64') };
}
