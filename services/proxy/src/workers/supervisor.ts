import type { Clock } from '@spawner/domain';
import type { Log } from '@spawner/service';
import { mergedMetrics } from './merged-metrics.ts';
import type { FromWorker, ToWorker, WorkerOwner, WorkerProcess } from './worker-process.ts';
import { WorkerTable } from './worker-table.ts';

/**
 * Keeps the configured number of workers alive, gives all of them the same ticket keys, and drains them together. For the
 * rest of the cluster each worker is a proxy of its own.
 */
export interface SupervisorParts {
  readonly count: number;
  /** From the order to drain until the remaining workers are killed, in milliseconds. */
  readonly drainMs: number;
  fork(slot: number, owner: WorkerOwner): WorkerProcess;
  /** New keys that seal TLS session tickets, in Node's format. */
  ticketKeys(): Buffer;
  readonly clock: Clock;
  readonly log: Log;
  random(): number;
}

const TURN_MS = 50;
const LOOK_EVERY_MS = 1_000;
/** A worker that has not reported its metrics by then is left out. */
const METRICS_MS = 2_000;
/**
 * All workers have the same ticket keys, so any of them can resume a session. They are replaced after an hour (RFC 8446 §C.4,
 * RFC 5077 §5.5), which costs each client one full handshake, and exist only in memory.
 */
const KEYS_REPLACED_MS = 3_600_000;

export class Supervisor {
  readonly #parts: SupervisorParts;
  readonly #table: WorkerTable;
  readonly #workers = new Map<number, WorkerProcess>();
  readonly #over = new AbortController();
  readonly #turning: Promise<void>;
  readonly #questions = new Map<number, (text: string) => void>();
  #lastQuestion = 0;
  #keys: ToWorker;
  #keysSince: number;
  #lookedAt: number;
  #failure: Error | undefined;

  constructor(parts: SupervisorParts) {
    this.#parts = parts;
    this.#table = new WorkerTable(parts.count, parts.random);
    this.#keys = this.#newKeys();
    this.#keysSince = parts.clock.now();
    this.#lookedAt = parts.clock.now();
    this.#turning = this.#turn();
  }

  /** Resolves when every worker has served once. Rejects if they cannot start, and when the signal aborts. */
  async complete(signal: AbortSignal): Promise<void> {
    while (!this.#table.complete) {
      if (this.#failure) throw this.#failure;
      await this.#parts.clock.sleep(TURN_MS, signal);
    }
  }

  /** A readiness condition: one worker is enough. */
  waitingFor(): string | undefined {
    return this.#table.serving > 0 ? undefined : 'a worker that serves';
  }

  /** The metrics of all workers and of this process, which are `own`. */
  async metrics(own: string): Promise<string> {
    const told = await Promise.all([...this.#workers].map(([slot, worker]) => this.#ask(slot, worker)));
    return mergedMetrics([{ worker: 'supervisor', text: own }, ...told]);
  }

  /** Starts no more workers, drains all of them, then kills those that are left. */
  async close(): Promise<void> {
    const { clock, drainMs, log } = this.#parts;
    this.#table.drain();
    this.#over.abort(new Error('the supervisor is closing'));
    await this.#turning;
    this.#tell({ kind: 'drain' });
    const until = clock.now() + drainMs;
    while (this.#table.running > 0 && clock.now() < until) await clock.sleep(TURN_MS);
    if (this.#table.running > 0)
      log.warn({ workers: this.#table.running }, 'killing workers that have not drained');
    this.killAll();
  }

  /** For a process that ends without `close`. */
  killAll(): void {
    for (const worker of this.#workers.values()) worker.kill('SIGKILL');
  }

  async #turn(): Promise<void> {
    const { clock } = this.#parts;
    const { signal } = this.#over;
    while (!signal.aborted) {
      const now = clock.now();
      if (now - this.#keysSince >= KEYS_REPLACED_MS) {
        this.#keysSince = now;
        this.#keys = this.#newKeys();
        this.#tell(this.#keys);
      }
      for (const slot of this.#table.due(now)) this.#start(slot);
      if (now - this.#lookedAt >= LOOK_EVERY_MS) this.#look(now);
      await clock.sleep(TURN_MS, signal).catch(() => {});
    }
  }

  #newKeys(): ToWorker {
    return { kind: 'ticket keys', keys: this.#parts.ticketKeys().toString('base64') };
  }

  #start(slot: number): void {
    const { clock, fork, log } = this.#parts;
    this.#table.started(slot);
    const worker = fork(slot, {
      heard: (message) => this.#heard(slot, message),
      exited: (exit) => {
        this.#workers.delete(slot);
        const next = this.#table.exited(slot, exit, clock.now());
        const fields = { worker: slot, pid: worker.pid, ...exit };
        if (next.kind === 'over') log.info(fields, 'a worker has ended');
        else if (next.kind === 'again')
          log.warn({ ...fields, again_in_ms: Math.round(next.inMs) }, 'a worker has ended');
        else this.#failure ??= new Error(`worker ${slot} cannot start: it ended with code ${exit.code}`);
      },
    });
    this.#workers.set(slot, worker);
    worker.send(this.#keys);
    log.info({ worker: slot, pid: worker.pid }, 'a worker was started');
  }

  #heard(slot: number, message: FromWorker): void {
    if (message.kind === 'state')
      this.#table.heard(slot, message.waitingFor.length === 0, this.#parts.clock.now());
    else this.#questions.get(message.question)?.(message.text);
  }

  #look(now: number): void {
    this.#lookedAt = now;
    for (const slot of this.#table.look()) {
      this.#parts.log.error({ worker: slot }, 'killing a worker that does not report any more');
      this.#workers.get(slot)?.kill('SIGKILL');
    }
  }

  #tell(message: ToWorker): void {
    for (const worker of this.#workers.values()) worker.send(message);
  }

  async #ask(slot: number, worker: WorkerProcess) {
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
