/**
 * Every duration that two parties must agree on, in milliseconds, with what happens when it passes.
 * Their order is what makes leases safe; deadlines.test.ts asserts it.
 */
export const DEADLINES = {
  /** A node renews this often, and at once when a backend's state changes. */
  renewEvery: 2_000,
  /** A renewal, or any command between services, that is not answered by then has failed. */
  call: 5_000,
  /** A drone that has not renewed for this long gets no new work; a proxy is no longer given out by DNS. */
  renewalsMissed: 6_000,
  /** On the agent's clock, from the send of the last answered renewal: its strictly keyed backends get their stop signal. */
  leaseStop: 25_000,
  /** On the same clock: what is left of them is killed, whatever grace it has of its own. */
  leaseKill: 30_000,
  /**
   * On the cluster clock, from the last renewal that came: their keys are given to others. So long at most, too, does a new
   * store epoch give no free key to a new holder.
   */
  leaseGiveAway: 45_000,
  /** On the cluster clock: the drone is given up, and everything on it has ended. */
  droneForgotten: 600_000,
  /** A backend that its agent has not reported on since it was placed is given up. */
  reservation: 10_000,
  /** A proxy that has not renewed for this long is not asked any more before a backend is ended for idleness. */
  proxyForgotten: 45_000,
  /** Ended backends stay known (410 at the edge, GetBackend) for this long, then they are unknown. */
  retention: 15 * 60_000,
  /** A store that came back empty is filled again by then; what is still missing has ended, but on drones that are away. */
  refill: 45_000,
  /** A proxy reports activity this often. */
  activityReport: 1_000,
  /** A proxy that has not answered an agent's question by then has not answered. */
  settle: 2_000,
  /** An end for idleness that is not settled by then since the question is given up by the agent. */
  settlement: 6_000,
  /** A withdrawn route that nobody has settled by then is given back; a proxy holds no longer than this for a question. */
  withdrawal: 10_000,
  /**
   * A proxy that has not heard of the store for this long asks a backend's agent before it connects to it. Addresses rest
   * longer before an agent gives them to another backend.
   */
  routesTrusted: 600_000,
  /** An agent that has not answered such a question by then has not answered. */
  verify: 2_000,
  /** An agent's yes counts for this long. */
  verified: 30_000,
  /** That a connection token was revoked is told for this long, so that a proxy that comes back by then hears of it. */
  revoked: 600_000,
  /** Logs are lost rather than kept after the end beyond this many lines. */
  lastLogLines: 20,
} as const;
