import { type Backend, BackendState, EndReason, type LifeEvent } from '@spawner/proto/v1/backend';

/**
 * The steps of a backend's life that a watcher has not seen: one record for each step after `revision`, oldest first. The
 * last one is the record as it is now. So a watcher sees every state, even if several passed between two reads.
 */
export function unseen(record: Backend, revision: number): Backend[] {
  if (record.revision <= revision) return [];
  const steps = record.events
    .filter((event) => event.revision > revision && event.state < record.state)
    .sort((a, b) => a.revision - b.revision);
  return [...steps.map((step) => asItWas(record, step)), record];
}

/** Whether the backend may be in the queue of its drone. */
export function mayWait({ state }: Backend): boolean {
  return state < BackendState.STARTING;
}

/** The record as it was at an earlier step. */
function asItWas(record: Backend, step: LifeEvent): Backend {
  return {
    ...record,
    state: step.state,
    revision: step.revision,
    readyTime: step.state < BackendState.READY ? undefined : record.readyTime,
    endTime: undefined,
    endReason: step.state < BackendState.TERMINATING ? EndReason.UNSPECIFIED : record.endReason,
    endDetail: '',
    exitCode: undefined,
    outOfMemory: false,
    lastLogs: [],
    events: record.events.filter((event) => event.revision <= step.revision),
    activity: undefined,
  };
}
