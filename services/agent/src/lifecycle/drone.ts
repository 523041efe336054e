import { AppError, type Clock, Semaphore } from '@spawner/domain';
import { endsWithLease } from '@spawner/proto';
import type { StartBackendRequest } from '@spawner/proto/internal/agent_service';
import type { BackendStatus, InventoryEntry } from '@spawner/proto/internal/backend_status';
import type { StopOrder } from '@spawner/proto/internal/scheduler_service';
import { BackendState, EndReason } from '@spawner/proto/v1/backend';
import { type Log, presentContext } from '@spawner/service';
import type { Metrics } from '../metrics.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { digestOf, inventoryOf, type Journal } from '../state/journal.ts';
import type { Fencing } from '../state/lease.ts';
import { Backend, type BackendParts } from './backend.ts';
import { hasEnded, newLife, termsOf } from './life.ts';
import { type Attempt, answers } from './probe.ts';

/** dockerd slows down when many containers start at once. */
const STARTS_AT_ONCE = 8;
/** The record of a backend that never came to be here may have any revision; this one is above it. */
const NEVER_HERE = 1_000_000;
const MOST_NEVER_HERE = 1_000;

export interface DroneParts {
  readonly runtime: Runtime;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** How a program that starts is tried; by a connection or a request unless given. */
  readonly attempt?: Attempt;
  readonly random?: () => number;
}

/** Where the drone belongs, as far as it must know. */
export interface Place {
  readonly registration: number;
  kick(): void;
}

/** All backends of this machine: taking them over, ending them, and what the scheduler is told. */
export class Drone {
  readonly runtime: Runtime;
  readonly #parts: BackendParts;
  readonly #backends = new Map<string, Backend>();
  /** Revisions that the scheduler has acknowledged. */
  readonly #heard = new Map<string, number>();
  /** Ends of backends that were ordered to stop and never were here. */
  readonly #neverHere = new Map<string, BackendStatus>();
  readonly #listeners: ((backend: Backend) => void)[] = [];
  #place: Place | undefined;

  constructor(parts: DroneParts) {
    this.runtime = parts.runtime;
    const changed = (backend: Backend) => {
      this.#place?.kick();
      for (const listener of this.#listeners) listener(backend);
    };
    const { attempt = answers, random = Math.random } = parts;
    this.#parts = { ...parts, attempt, random, starts: new Semaphore(STARTS_AT_ONCE), changed };
  }

  /** Calls after every change of a backend's state. */
  onChange(listener: (backend: Backend) => void): void {
    this.#listeners.push(listener);
  }

  backends(): Backend[] {
    return [...this.#backends.values()];
  }

  living(): Backend[] {
    return this.backends().filter(({ life }) => !hasEnded(life));
  }

  find(id: string): Backend | undefined {
    return this.#backends.get(id);
  }

  /** Takes up what the journal holds, once, before anything else; `activeAt` says when each was last in use. */
  adopt(activeAt: ReadonlyMap<string, number>): void {
    const { journal, clock, log } = this.#parts;
    for (const entry of journal.load(clock.now())) {
      const backend = new Backend(entry, this.#parts);
      this.#backends.set(entry.id, backend);
      backend.resume(activeAt.get(entry.id)).catch((error: unknown) => {
        log.info({ error, backend: entry.id }, 'not taken up again: the agent is stopping');
      });
    }
    if (this.#backends.size > 0) log.info({ backends: this.#backends.size }, 'took up its backends again');
  }

  /** From now on the scheduler hears of every change at once. */
  join(place: Place): void {
    this.#place = place;
    place.kick();
  }

  /** The present registration's tick; 0 before the first. */
  get registration(): number {
    return this.#place?.registration ?? 0;
  }

  /** Takes a backend over. The same id again is success; one that ended here is refused. */
  start(request: StartBackendRequest): void {
    const { id, spec, placement, key, claim } = request;
    const { journal, clock, metrics } = this.#parts;
    const present = this.#backends.get(id);
    if (present && !hasEnded(present.life)) return;
    if (present || journal.ended.has(id))
      throw new AppError('failed_precondition', 'this backend has ended here');
    if (!spec) throw new AppError('invalid', 'spec is missing');
    const createTime = request.createTime ?? clock.wall();
    const life = newLife(id, termsOf(spec), createTime);
    const entry = { id, placement, createTime, spec, key, claim, digest: digestOf(spec), life };
    journal.write(entry);
    const backend = new Backend(entry, this.#parts, presentContext());
    this.#backends.set(id, backend);
    metrics.started();
    backend.take({ type: 'begin' });
  }

  /** Ends a backend. One that never was here may not start any more, and is reported as ended. */
  stop({ id, force, reason, detail }: StopOrder): void {
    const wanted = reason === EndReason.UNSPECIFIED ? EndReason.REQUESTED : reason;
    const backend = this.#backends.get(id);
    if (backend) {
      backend.take({ type: 'stop', reason: wanted, force, detail });
      return;
    }
    const { journal, clock } = this.#parts;
    journal.ended.add(id);
    if (this.#neverHere.has(id) || this.#neverHere.size >= MOST_NEVER_HERE) return;
    this.#neverHere.set(id, ended(id, wanted, clock.wall()));
    this.#place?.kick();
  }

  /** Everything that the journal holds, and the ends of what never was here, without a spec. */
  inventory(): InventoryEntry[] {
    const neverHere = [...this.#neverHere.values()].map((status) => ({ status, placement: 0 }));
    return [...this.backends().map(({ entry }) => inventoryOf(entry)), ...neverHere];
  }

  /** Of all that were ever placed here, as far as its disk remembers. */
  highestPlacement(): number {
    const present = this.backends().map(({ entry }) => entry.placement);
    return Math.max(this.#parts.journal.ended.highestPlacement, ...present);
  }

  /** What the scheduler has not acknowledged yet. */
  unacknowledged(): BackendStatus[] {
    const changed = this.backends()
      .map(({ life }) => life.status)
      .filter(({ id, revision }) => revision > (this.#heard.get(id) ?? 0));
    return [...changed, ...this.#neverHere.values()];
  }

  acknowledge(reports: readonly BackendStatus[]): void {
    for (const { id, revision } of reports) {
      const backend = this.#backends.get(id);
      if (!backend) continue;
      this.#heard.set(id, Math.max(revision, this.#heard.get(id) ?? 0));
      backend.take({ type: 'acknowledged' });
    }
  }

  /** The end of these stands in the store. */
  forget(ids: readonly string[]): void {
    for (const id of ids) {
      this.#neverHere.delete(id);
      const backend = this.#backends.get(id);
      if (!backend || !hasEnded(backend.life)) continue;
      this.#parts.journal.forget(id, backend.entry.placement);
      this.#backends.delete(id);
      this.#heard.delete(id);
    }
  }

  /** Ends every strictly keyed backend whose lease is passing: its key may be another's soon. */
  fence(fencing: Fencing): void {
    if (fencing === 'none') return;
    const order = { type: 'stop', reason: EndReason.LEASE_LOST, force: fencing === 'kill' } as const;
    for (const backend of this.living())
      if (endsWithLease(backend.entry.spec.onLeaseLoss, backend.entry.key)) backend.take(order);
  }

  /** Lets every deadline that has passed take effect. */
  tick(): void {
    for (const backend of this.living()) backend.take({ type: 'tick' });
  }

  /** Lets go of every backend; their programs go on. */
  close(): void {
    for (const backend of this.backends()) backend.close();
  }
}

function ended(id: string, endReason: EndReason, endTime: Date): BackendStatus {
  const state = BackendState.TERMINATED;
  return {
    id,
    state,
    revision: NEVER_HERE,
    endTime,
    endReason,
    endDetail: 'it never was on its drone',
    outOfMemory: false,
    lastLogs: [],
    events: [{ state, revision: NEVER_HERE, time: endTime }],
  };
}
