/**
 * Every duration that two parties must agree on, in milliseconds, with what happens when it passes. "Cluster clock" is the
 * one in the store; the others run on the clock of the party that waits. deadlines.test.ts asserts their orders and values.
 */
export const DEADLINES = {
  /** A node renews this often, and immediately when the state of one of its backends changes. */
  renewEvery: 2_000,
  /** The timeout of a renewal and of every command between services that names no other. */
  call: 5_000,
  /** After three missed renewals a drone gets no new work, and DNS no longer names a proxy. */
  renewalsMissed: 6_000,

  /** Counted by the agent from the send of the last answered renewal: strictly keyed backends get their stop signal. */
  leaseStop: 25_000,
  /** Counted the same way: the strictly keyed backends that remain are killed, whatever their own grace. */
  leaseKill: 30_000,
  /**
   * On the cluster clock, from the last renewal received: the drone's keys may be given to new holders. A new store epoch
   * withholds free keys for at most this long.
   */
  leaseGiveAway: 45_000,
  /** On the cluster clock: the scheduler gives the drone up, and all its backends end as DRONE_LOST. */
  droneForgotten: 600_000,
  /** On the cluster clock, since the last renewal: agents no longer ask this proxy before an idle shutdown. */
  proxyForgotten: 45_000,
  /** The most that one sweep advances the cluster clock. A longer gap is an outage, which must not expire leases. */
  clockTurn: 2_000,
  /** On the cluster clock: an entry that was due is due again, in case its scheduler died while handling it. */
  dueAgain: 5_000,

  /** The agent's time to accept a start. After it the scheduler abandons the placement. */
  start: 3_000,
  /** The gateway's timeout of one spawn call. */
  spawnCall: 7_000,
  /** On the cluster clock: a placement that its agent has not reported on is abandoned. */
  reservation: 10_000,
  /** An ended backend stays known this long (410 at the edge, GetBackend); then it is unknown. */
  retention: 15 * 60_000,
  /** A store that lost its routes is complete again after this long, except for backends of drones that are offline. */
  refill: 45_000,

  /** A proxy reports activity this often. */
  activityReport: 1_000,
  /** A proxy repeats a last use for this long, because reports may be lost; an agent believes a report for as long. */
  activityFresh: 3_000,
  /** A proxy's time to answer an agent's question before an idle shutdown. */
  settle: 2_000,
  /** The agent abandons an idle shutdown that is not settled this long after the question. */
  settlement: 6_000,
  /** A suspended route that was never settled is restored after this long; proxies hold requests no longer than this. */
  suspension: 10_000,

  /**
   * A proxy cut off from the store for this long asks the backend's agent before it connects. Until then the address must
   * not belong to another backend: see `addressRest`.
   */
  routesTrusted: 600_000,
  /** An agent's time to answer such a question. */
  verify: 2_000,
  /** A proxy trusts an agent's confirmation for this long. */
  verified: 30_000,
  /** The address of an ended backend rests this long before the agent gives it to another. */
  addressRest: 15 * 60_000,

  /** The revocation of a connection token stays in the route table this long, for proxies that were offline. */
  revoked: 600_000,
  /** A silent event stream sends a comment this often, so that clients can tell silence from a dead connection. */
  streamHeartbeat: 15_000,
} as const;
