import { type Backend, BackendState, EndReason, type LifeEvent } from '@spawner/proto/v1/backend';

/**
 * What a watcher has not seen of a backend's life: one record for every step after `revision`, oldest
 * first, the last of them the record as it is. So a watcher sees every state, also where several passed
 * between two reads.
 */
export function unseen(record: Backend, revision: number): Backend[] {
  if (record.revision <= revision) return [];
  const steps = record.events
    .filter((event) => event.revision > revision && event.state < record.state)
    .sort((a, b) => a.revision - b.revision);
  return [...steps.map((step) => asItWas(record, step)), record];
}

/** The record at an earlier step: what came later is not in it. */
function asItWas(record: Backend, step: LifeEvent): Backend {
  return {
    ...record,
    state: step.state,
    revision: step.revision,
    readyTime: step.state < BackendState.READY ? undefined : record.readyTime,
    endTime: undefined,
    endReason: EndReason.UNSPECIFIED,
    endDetail: '',
    exitCode: undefined,
    outOfMemory: false,
    lastLogs: [],
    events: record.events.filter((event) => event.revision <= step.revision),
    activity: undefined,
  };
}
