/**
 * The states of a backend's life. Ordinals are those of the wire (spawner.v1.BackendState), spaced so that a new state
 * fits between two. A backend only moves to a higher one; the store's `report.lua` enforces it.
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

/** Whether a backend in this state still counts against its drone's capacity. */
export function isLiving(state: number): boolean {
  return state < STATES.TERMINATED;
}
