import type { BackendState } from '@spawner/proto/v1/backend';
import type { BackendRecord } from '../store/record.ts';

/** Which records a list is of, and where its page begins. */
export interface ListQuery {
  pageSize: number;
  /** Placement tick before which the page begins. */
  before: number;
  states: readonly BackendState[];
  droneId: string;
  labels: Readonly<Record<string, string>>;
}

/** Empty states, drone and labels stand for all. */
export function matches(record: BackendRecord, { states, droneId, labels }: ListQuery): boolean {
  return (
    (states.length === 0 || states.includes(record.state)) &&
    (droneId === '' || record.drone === droneId) &&
    Object.entries(labels).every(([name, value]) => record.summary.labels[name] === value)
  );
}
