/**
 * A backend's life as a table. Ordinals are those of the wire (spawner.v1.BackendState), spaced so
 * that a new state fits between. A backend only ever moves to a higher one; what its agent says is
 * ordered by revision, and a late or doubled report changes nothing.
 */
export const STATES = {
  SCHEDULED: 10,
  LOADING: 20,
  STARTING: 30,
  WAITING: 40,
  READY: 50,
  TERMINATING: 60,
  TERMINATED: 70,
} as const;

export type StateName = keyof typeof STATES;

/** Whether a record at (`state`, `revision`) takes a report of (`nextState`, `nextRevision`). */
export function supersedes(
  next: { state: number; revision: number },
  present: { state: number; revision: number },
): boolean {
  if (present.state === STATES.TERMINATED) return false;
  return next.state >= present.state && next.revision > present.revision;
}

/** What the edge does with a request in each state. */
export function edgeAnswer(state: number): 'hold' | 'forward' | 'gone' {
  if (state >= STATES.TERMINATING) return 'gone';
  return state === STATES.READY ? 'forward' : 'hold';
}

/** Whether a backend in this state still counts against its drone's capacity. */
export function isLiving(state: number): boolean {
  return state < STATES.TERMINATED;
}
