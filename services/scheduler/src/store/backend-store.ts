import { type AppError, DEADLINES } from '@spawner/domain';
import {
  BackendFacts,
  BackendStatus,
  type InventoryEntry,
  SpecSummary,
} from '@spawner/proto/internal/backend_status';
import { Node } from '@spawner/proto/internal/node';
import { StopOrder } from '@spawner/proto/internal/scheduler_service';
import { type BackendKey, type BackendState, EndReason, Pages, StepTimes } from '@spawner/proto/v1/backend';
import type { PlacementCandidates } from '@spawner/proto/v1/explanation';
import { keyHash, type PlaceReply, SCRIPTS } from '@spawner/store';
import type { Parts } from '../parts.ts';
import { absence } from './absence.ts';
import { type BackendRecord, edgeOf, endedAfter, endedStatus, routeOf } from './record.ts';

export type Placement =
  | Exclude<PlaceReply, { outcome: 'placed' }>
  | { outcome: 'placed'; node: Node; placement: number }
  /** Placed with a key, but on too few replicas: a failover may lose it. */
  | { outcome: 'unconfirmed' };

export type ReportOutcome = 'stale' | 'taken' | 'old' | 'ended' | 'elsewhere' | 'unknown';

/** Each retry means that another report on the same backend came first. */
const MOST_BEHIND = 3;
/** No more records are read for a page that has this many bytes. */
const READ_BYTES = 1024 * 1024;
const FIELDS = ['state', 'drone', 'placement', 'facts', 'status'];

type BackendStoreParts = Pick<Parts, 'redis' | 'keys' | 'epoch' | 'replication'>;

export interface PlaceRequest {
  readonly id: string;
  readonly summary: SpecSummary;
  readonly created: Date;
  readonly key: BackendKey | undefined;
  /** The backend may have been placed before. */
  readonly repeated: boolean;
}

/** The route of a backend that was placed. */
const PLACED = routeOf('', {});

/** The end of a record that its drone will not write. */
export interface AbandonedEnd {
  readonly reason: EndReason;
  readonly detail: string;
  readonly now: Date;
}

/** The backends in Redis: every write is one script that compares before it sets. */
export class BackendStore {
  readonly #parts: BackendStoreParts;

  constructor(parts: BackendStoreParts) {
    this.#parts = parts;
  }

  /** Reserves room for a backend. With a key it does so only if no living backend holds the key. `repeated`: it may have been placed before. */
  async place({ id, summary, created, key, repeated }: PlaceRequest): Promise<Placement> {
    const answer = await this.#parts.epoch.run(SCRIPTS.place, {
      ...factsOf(summary, created, key),
      id,
      route: PLACED,
      staleMs: DEADLINES.renewalsMissed,
      reservationMs: DEADLINES.reservation,
      repeated,
    });
    if (answer.outcome !== 'placed') return answer;
    const { registration, placement } = answer;
    if (key && !(await this.#parts.replication.confirmed(placement))) return { outcome: 'unconfirmed' };
    return { outcome: 'placed', node: { ...Node.decode(answer.node), registration }, placement };
  }

  /** Adds the times of the first steps of a start. Returns false if there is no such record. */
  handed(id: string, steps: Partial<StepTimes>): Promise<boolean> {
    const bytes = Buffer.from(StepTimes.encode(StepTimes.fromPartial(steps)).finish());
    return this.#parts.epoch.run(SCRIPTS.handed, { id, steps: bytes });
  }

  /** Takes an agent's word on one of its backends. An end counts whatever its revision: it is then written under the next one. */
  async report(drone: string, registration: number, status: BackendStatus): Promise<ReportOutcome> {
    let said = status;
    for (let tries = 0; tries < MOST_BEHIND; tries++) {
      const answer = await this.#parts.epoch.run(SCRIPTS.report, {
        ...reportedBy(drone, said),
        retentionMs: DEADLINES.retention,
        registration,
      });
      if (answer.outcome !== 'behind') return answer.outcome;
      said = endedAfter(status, answer.revision);
    }
    return 'stale';
  }

  /** Writes the record of an inventory's line where there is none; otherwise it is a report. */
  async restore(
    drone: string,
    registration: number,
    entry: InventoryEntry & { status: BackendStatus },
  ): Promise<ReportOutcome | 'restored'> {
    const { status, spec = SpecSummary.fromPartial({}), createTime = new Date(0), key, placement } = entry;
    const answer = await this.#parts.epoch.run(SCRIPTS.restore, {
      ...reportedBy(drone, status),
      ...factsOf(spec, createTime, key),
      placement,
      retentionMs: DEADLINES.retention,
      order: orderBytes({ id: '', force: true, reason: EndReason.LEASE_LOST }),
      registration,
    });
    return answer === 'restored' ? answer : this.report(drone, registration, status);
  }

  /** Writes a wanted end down; an order to kill stays one. The drone to tell, `ended` when it has ended, nothing when it is unknown. */
  stop(order: StopOrder): Promise<{ drone: string } | 'ended' | undefined> {
    const { id, force } = order;
    return this.#parts.epoch.run(SCRIPTS.stop, { id, order: orderBytes(order), force });
  }

  /**
   * Ends a record that its drone will not end. Returns false if the record has ended already, if the drone has renewed
   * within `silentMs`, or if it has another registration than the given one.
   */
  async abandon(
    record: BackendRecord,
    when: 'unreported' | 'any',
    { reason, detail, now }: AbandonedEnd,
    { silentMs = 0, registration = 0 } = {},
  ): Promise<boolean> {
    const status = endedStatus(record, reason, detail, now);
    return this.#parts.epoch.run(SCRIPTS.abandon, {
      id: record.id,
      when,
      status: statusBytes(status),
      route: routeOf(record.drone, status),
      order: orderBytes({ id: record.id, force: true, reason }),
      retentionMs: DEADLINES.retention,
      silentMs,
      registration: registration || undefined,
    });
  }

  async forget(id: string): Promise<void> {
    await this.#parts.epoch.run(SCRIPTS.forget, { id });
  }

  /** Id of the backend that holds a key: living, or on its way to its end. */
  async holder(key: BackendKey): Promise<string | undefined> {
    const id = await this.#parts.redis.send(['GET', this.#parts.keys.key(keyHash(key))]);
    return id === null ? undefined : String(id);
  }

  async get(id: string): Promise<BackendRecord | undefined> {
    const { redis, keys } = this.#parts;
    return recordOf(id, (await redis.send(['HMGET', keys.backend(id), ...FIELDS])) as (Buffer | null)[]);
  }

  /** The error for a backend that is not there, or with `message` for a key without a holder: `not_found`, or `unavailable` (absence.ts). */
  absence(id: string, message = `no backend ${id}`): Promise<AppError> {
    return absence(this.#parts, message, id);
  }

  /** Ids of the living backends of a drone. */
  async living(drone: string): Promise<string[]> {
    return ((await this.#parts.redis.send(['SMEMBERS', this.#parts.keys.living(drone)])) as Buffer[]).map(
      String,
    );
  }

  /** At most `count` records placed before `before`, newest first, and where the next page begins. Large ones make it short. */
  async page(before: number, count: number): Promise<{ records: BackendRecord[]; next: number | undefined }> {
    const { redis, keys } = this.#parts;
    const range = [before === Number.POSITIVE_INFINITY ? '+inf' : `(${before}`, '-inf'];
    const options = ['WITHSCORES', 'LIMIT', '0', String(count)];
    const reply = await redis.send(['ZREVRANGEBYSCORE', keys.backends, ...range, ...options]);
    const flat = (reply as Buffer[]).map(String);
    const ids = flat.filter((_, index) => index % 2 === 0);
    const records: BackendRecord[] = [];
    let bytes = 0;
    let read = 0;
    // The last lines of some programs are long: a few records show whether many can be read at once.
    for (let more = 4; read < ids.length && bytes < READ_BYTES; more *= 2) {
      const some = await Promise.all(ids.slice(read, read + more).map((id) => this.get(id)));
      read += some.length;
      for (const record of some) {
        if (record) records.push(record);
        bytes += record?.bytes ?? 0;
      }
    }
    const isWhole = read === ids.length && ids.length < count;
    return { records, next: isWhole ? undefined : Number(flat[2 * read - 1]) };
  }
}

/** A status as its record keeps it: the record's name has the id. */
function statusBytes(status: BackendStatus): Buffer {
  return Buffer.from(BackendStatus.encode({ ...status, id: '' }).finish());
}

/** The arguments of a script that takes a drone's report on one of its backends. */
function reportedBy(drone: string, status: BackendStatus) {
  const { id, state, revision } = status;
  return {
    ...{ id, drone, state, revision },
    status: statusBytes(status),
    edge: edgeOf(state),
    route: routeOf(drone, status),
  };
}

function orderBytes(order: StopOrder): Buffer {
  return Buffer.from(StopOrder.encode(order).finish());
}

/** The arguments of a script that writes a new record. */
function factsOf(spec: SpecSummary, createTime: Date, key: BackendKey | undefined) {
  const { cpuMillis, memoryBytes, access } = spec;
  const pages = spec.pages && Buffer.from(Pages.encode(spec.pages).finish());
  const facts = Buffer.from(
    BackendFacts.encode({ spec, createTime, key, candidates: '', steps: undefined }).finish(),
  );
  return { cpuMillis, memoryBytes, access, pages, facts, key: key && keyHash(key) };
}

function recordOf(id: string, values: (Buffer | null)[]): BackendRecord | undefined {
  const [state, drone, placement, facts, status] = values;
  if (!state || !facts) return undefined;
  const {
    spec = SpecSummary.fromPartial({}),
    createTime,
    key,
    candidates,
    steps,
  } = BackendFacts.decode(facts);
  return {
    id,
    state: Number(String(state)) as BackendState,
    drone: String(drone),
    placement: Number(String(placement)),
    created: createTime ?? new Date(0),
    summary: spec,
    bytes: facts.length + (status?.length ?? 0),
    ...(key ? { key } : {}),
    ...(steps ? { steps } : {}),
    ...(status ? { status: { ...BackendStatus.decode(status), id } } : {}),
    ...(candidates === '' ? {} : { candidates: candidatesOf(candidates) }),
  };
}

/** Numbers, separated by spaces, as place.lua writes them. */
function candidatesOf(text: string): PlacementCandidates {
  const [counts, wait] = [text.split(' ').map(Number), text.split(' ')[6]];
  const [known = 0, considered = 0, stale = 0, full = 0, load = 0, later = 0] = counts;
  const expectedWaitMs = wait ? Number(wait) : undefined;
  return { known, considered, stale, full, loadPermille: Math.round(load), later, expectedWaitMs };
}
