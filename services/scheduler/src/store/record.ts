import { STATES } from '@spawner/domain';
import { specDigest } from '@spawner/proto';
import { BackendStatus, SpecSummary } from '@spawner/proto/internal/backend_status';
import { BackendRoute, RouteState } from '@spawner/proto/internal/route';
import {
  Access,
  Backend,
  type BackendKey,
  type BackendSpec,
  BackendState,
  type EndReason,
  type StepTimes,
} from '@spawner/proto/v1/backend';
import type { PlacementCandidates } from '@spawner/proto/v1/explanation';

/** A backend as the store has it: what the placement wrote, and the last report of its agent. */
export interface BackendRecord {
  id: string;
  state: BackendState;
  drone: string;
  /** With a key also its fence. */
  placement: number;
  created: Date;
  summary: SpecSummary;
  key?: BackendKey;
  /** Absent if the record was restored from an inventory. */
  candidates?: PlacementCandidates;
  /** The scheduler's steps of the start. Absent until its drone has accepted it, and if the record was restored. */
  steps?: StepTimes;
  /** Absent until its drone has reported on it. */
  status?: BackendStatus;
  /** About as many as it takes on its way to a caller. */
  bytes: number;
}

/** The public record. The placement is revision 1; a report's revision counts on from there. */
export function toBackend(record: BackendRecord, unreachable = false): Backend {
  const { id, state, drone, placement, created, summary, key } = record;
  const status = record.status ?? BackendStatus.fromPartial({});
  const scheduled = { state: BackendState.SCHEDULED, revision: 1, time: created };
  const reported = status.events.filter((event) => event.state > STATES.SCHEDULED);
  return Backend.fromPartial({
    ...summary,
    ...status,
    ...{ id, state, droneId: drone, createTime: created, key, unreachable },
    steps: record.steps || status.steps ? { ...status.steps, ...known(record.steps) } : undefined,
    revision: status.revision + 1,
    fence: key ? placement : 0,
    access: summary.access || Access.PUBLIC,
    events: [scheduled, ...reported.map((event) => ({ ...event, revision: event.revision + 1 }))],
  });
}

/** The fields that have a value, so that they can be laid over others. */
function known(steps: StepTimes | undefined): Partial<StepTimes> {
  return Object.fromEntries(Object.entries(steps ?? {}).filter(([, ms]) => ms !== undefined));
}

/** How the edge answers for a backend in this state: the values of `edge` in the store. */
export function edgeOf(state: BackendState): 'pending' | 'open' | 'ended' {
  if (state >= BackendState.TERMINATING) return 'ended';
  return state === BackendState.READY ? 'open' : 'pending';
}

const ROUTE_STATES = {
  pending: RouteState.PENDING,
  open: RouteState.OPEN,
  ended: RouteState.ENDED,
} as const;

/** The route of a backend. The store's scripts add its access and pages, and its drone when they place it. */
export function routeOf(drone: string, status: Partial<BackendStatus>): Buffer {
  const { state: backendState = BackendState.SCHEDULED, local, network, endReason } = status;
  const state = ROUTE_STATES[edgeOf(backendState)];
  const route = BackendRoute.fromPartial({ state, droneId: drone, local, network, endReason, backendState });
  return Buffer.from(BackendRoute.encode(route).finish());
}

/** The last status of a backend whose drone will not write it: ended here, with the reason. */
export function endedStatus(
  record: BackendRecord,
  reason: EndReason,
  detail: string,
  now: Date,
): BackendStatus {
  const { readyTime, lastLogs, steps, ...last } = record.status ?? BackendStatus.fromPartial({});
  const state = BackendState.TERMINATED;
  const revision = last.revision + 1;
  const end = { id: record.id, state, revision, endTime: now, endReason: reason, endDetail: detail };
  const events = [...last.events, { state, revision, time: now }];
  return BackendStatus.fromPartial({ ...end, readyTime, lastLogs, steps, events });
}

/** An end as its drone tells it, under the revision after this one. */
export function endedAfter(status: BackendStatus, revision: number): BackendStatus {
  const next = revision + 1;
  const last = status.events.length - 1;
  const events = status.events.map((event, at) => (at === last ? { ...event, revision: next } : event));
  return { ...status, revision: next, events };
}

/** The part of a spec that the store keeps: never environment values or credentials. */
export function summaryOf(spec: BackendSpec): SpecSummary {
  return SpecSummary.fromPartial({ ...spec, ...spec.resources, digest: specDigest(spec) });
}
