import { randomUUID } from 'node:crypto';
import type { Membership } from '@spawner/cluster';
import { AppError } from '@spawner/domain';
import { endsWithLease } from '@spawner/proto';
import type { StartBackendRequest } from '@spawner/proto/internal/agent_service';
import { BackendStatus, type InventoryEntry } from '@spawner/proto/internal/backend_status';
import type { StopOrder } from '@spawner/proto/internal/scheduler_service';
import type { PullingStart } from '@spawner/proto/internal/telemetry';
import { BackendState, EndReason, type PullProgress } from '@spawner/proto/v1/backend';
import { presentContext } from '@spawner/service';
import type { Runtime } from '../runtime/runtime.ts';
import { digestOf, inventoryOf } from '../state/journal.ts';
import type { Fencing } from '../state/lease.ts';
import { Backend, type BackendParts } from './backend.ts';
import { hasEnded, isQueued, isStarting, type Life, newLife, termsOf } from './life.ts';
import { answers } from './probe.ts';
import type { StartQueue } from './start-queue.ts';

/** A revision above that of any record of a backend that this drone never ran. */
const NEVER_HERE_REVISION = 1_000_000;
const MOST_NEVER_HERE = 1_000;

type Defaults = Pick<BackendParts, 'attempt' | 'random' | 'newErrorId'>;

/** The parts of every backend. Programs that start are tried over the network by default. */
export type DroneParts = Omit<BackendParts, 'changed' | keyof Defaults> & Partial<Defaults>;

/** The drone's membership in the cluster, as far as the drone uses it. */
type MembershipLink = Pick<Membership, 'registration' | 'kick'>;

/** All backends of this machine: starting them, ending them, and reporting them to the scheduler. */
export class Drone {
  readonly runtime: Runtime;
  readonly starts: StartQueue;
  readonly #parts: BackendParts;
  readonly #backends = new Map<string, Backend>();
  /** Revisions that the scheduler has acknowledged, by backend id. */
  readonly #acknowledged = new Map<string, number>();
  /** Ends of backends that were ordered to stop and that this drone never ran. */
  readonly #neverHere = new Map<string, BackendStatus>();
  readonly #listeners: ((backend: Backend) => void)[] = [];
  #membership: MembershipLink | undefined;

  constructor(parts: DroneParts) {
    this.runtime = parts.runtime;
    const { starts } = parts;
    this.starts = starts;
    const changed = (backend: Backend) => {
      const { state } = backend.life.status;
      if (state === BackendState.WAITING || state === BackendState.TERMINATING) starts.started(backend.id);
      if (state === BackendState.READY) starts.ready(backend.id);
      if (state === BackendState.TERMINATED) starts.leave(backend.id);
      this.#membership?.kick();
      for (const listener of this.#listeners) listener(backend);
    };
    const { attempt = answers, random = Math.random, newErrorId = randomUUID } = parts;
    this.#parts = { ...parts, attempt, random, newErrorId, changed };
  }

  /** Calls the listener after every change of a backend's state. */
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

  /** Adopts the backends of the journal. Called once, before anything else. `activeAt` has each one's last use, by id. */
  adopt(activeAt: ReadonlyMap<string, number>): void {
    const { journal, clock, log } = this.#parts;
    const entries = journal.load(clock.now()).sort((one, other) => one.placement - other.placement);
    const idsOf = (wanted: (life: Life) => boolean) =>
      entries.filter(({ life }) => wanted(life)).map(({ id }) => id);
    this.starts.resume(idsOf(isStarting), idsOf(isQueued));
    for (const entry of entries) {
      const backend = new Backend(entry, this.#parts);
      this.#backends.set(entry.id, backend);
      backend.adopt(activeAt.get(entry.id)).catch((error: unknown) => {
        log.info({ error, backend: entry.id }, 'not adopted: the agent is stopping');
      });
    }
    if (this.#backends.size > 0)
      log.info({ backends: this.#backends.size }, 'adopted the backends of the journal');
  }

  /** From now on every change is reported at once. */
  join(membership: MembershipLink): void {
    this.#membership = membership;
    membership.kick();
  }

  /** The current registration. 0 before the first. */
  get registration(): number {
    return this.#membership?.registration ?? 0;
  }

  /**
   * Starts a backend. Succeeds if the id already runs. Throws `failed_precondition` if it has ended here,
   * and `exhausted` if too many others have yet to start.
   */
  start(request: StartBackendRequest): void {
    const { id, spec, placement, key, claim } = request;
    const { journal, clock, metrics } = this.#parts;
    const present = this.#backends.get(id);
    if (present && !hasEnded(present.life)) return;
    if (present || journal.ended.has(id))
      throw new AppError('failed_precondition', 'this backend has ended here');
    if (!spec) throw new AppError('invalid', 'spec is missing');
    if (this.unstarted() >= this.starts.most) throw new AppError('exhausted', 'the start queue is full');
    const createTime = request.createTime ?? clock.wall();
    const life = newLife(id, termsOf(spec), createTime);
    const entry = { id, placement, createTime, spec, key, claim, digest: digestOf(spec), life };
    const kept = journal.begin(entry);
    const backend = new Backend(entry, this.#parts, { kept, trace: presentContext() });
    this.#backends.set(id, backend);
    metrics.started();
    backend.take({ type: 'begin' });
  }

  /** Ends a backend. An unknown id may not start any more, and is reported as ended. */
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
    this.#membership?.kick();
  }

  /** The number of backends that wait for their image or their place. */
  unstarted(): number {
    return this.backends().filter(({ life }) => life.status.state <= BackendState.LOADING).length;
  }

  /** The backends that wait for their image, with the progress of its pull. */
  pulling(): PullingStart[] {
    return this.living().flatMap((backend) => {
      const pull = this.pullOf(backend);
      return pull ? [{ id: backend.id, pull }] : [];
    });
  }

  /** The pull that a backend waits for. */
  pullOf({ life, entry }: Backend): PullProgress | undefined {
    const waits = life.status.state === BackendState.LOADING;
    return waits ? this.runtime.pullProgress?.(entry.spec) : undefined;
  }

  /** Everything in the journal, and the ends of backends that this drone never ran, without a spec. */
  inventory(): InventoryEntry[] {
    const neverHere = [...this.#neverHere.values()].map((status) => ({ status, placement: 0 }));
    return [...this.backends().map(({ entry }) => inventoryOf(entry)), ...neverHere];
  }

  /** The highest placement of this drone, as far as its disk remembers. */
  highestPlacement(): number {
    const present = this.backends().map(({ entry }) => entry.placement);
    return Math.max(this.#parts.journal.ended.highestPlacement, ...present);
  }

  /** The statuses that the scheduler has not acknowledged yet. */
  unacknowledged(): BackendStatus[] {
    const changed = this.backends()
      .map(({ life }) => life.status)
      .filter(({ id, revision }) => revision > (this.#acknowledged.get(id) ?? 0));
    return [...changed, ...this.#neverHere.values()];
  }

  acknowledge(reports: readonly BackendStatus[]): void {
    for (const { id, revision } of reports) {
      const backend = this.#backends.get(id);
      if (!backend) continue;
      this.#acknowledged.set(id, Math.max(revision, this.#acknowledged.get(id) ?? 0));
      backend.take({ type: 'acknowledged' });
    }
  }

  /** Forgets backends whose end is in the store. */
  forget(ids: readonly string[]): void {
    for (const id of ids) {
      this.#neverHere.delete(id);
      const backend = this.#backends.get(id);
      if (!backend || !hasEnded(backend.life)) continue;
      this.#parts.journal.forget(id, backend.entry.placement);
      this.#backends.delete(id);
      this.#acknowledged.delete(id);
    }
  }

  /** Ends every strictly keyed backend if the lease is passing, because their keys will soon have new holders. */
  fence(fencing: Fencing): void {
    if (fencing === 'none') return;
    const order = { type: 'stop', reason: EndReason.LEASE_LOST, force: fencing === 'kill' } as const;
    for (const backend of this.living())
      if (endsWithLease(backend.entry.spec.onLeaseLoss, backend.entry.key)) backend.take(order);
  }

  /** Applies every deadline that has passed. */
  tick(): void {
    this.starts.tick();
    for (const backend of this.living()) backend.take({ type: 'tick' });
  }

  /** Stops working on the backends. Their programs keep running. */
  close(): void {
    for (const backend of this.backends()) backend.close();
  }
}

function ended(id: string, endReason: EndReason, endTime: Date): BackendStatus {
  const [state, revision] = [BackendState.TERMINATED, NEVER_HERE_REVISION];
  const endDetail = 'the backend was never on this drone';
  const events = [{ state, revision, time: endTime }];
  return BackendStatus.fromPartial({ id, state, revision, endTime, endReason, endDetail, events });
}
