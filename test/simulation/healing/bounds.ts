import { DEADLINES } from '@spawner/domain';
import { LONGEST_DELAY } from '../world/network.ts';

/** Clocks run at 0.9 to 1.1 of true speed (world/machine.ts). */
const SLOWEST = 0.9;
/** The true time that a duration takes on the slowest clock. */
export const onSlowestClock = (ms: number) => ms / SLOWEST;

/** Two turns of a loop that rests a second: of the sweep, for instance, when the first one came too early. */
const TURNS = onSlowestClock(2 * 1_050);
/** A call that was lost before healing, and its repetition. */
const REPEATED_CALL = onSlowestClock(DEADLINES.call + DEADLINES.renewEvery / 4 + 1_000);
/** A call to the scheduler that is interrupted after healing, until the other scheduler is called. */
const INTERRUPTED = REPEATED_CALL;
/** A scheduler that is paused handles the last renewal of a drone so much later (faults/interruptions.ts). */
export const PAUSE_MS = 20_000;

/** From its image until a start has its place: eleven others on its drone go first, each at its slowest. */
const QUEUED = 11 * (40 + 600 + 3_000 + onSlowestClock(250));

/** The clients' patience with a request and with a spawn, on their own clocks. */
export const HOLD_MS = 15_000;
export const SPAWN_PATIENCE_MS = 30_000;

/**
 * The longest that each kind of wait may take in a healed world, in true milliseconds from the healing unless it says
 * otherwise. Each is the deadline that the wait is about, on the slowest clock, and the loops and calls on its way.
 */
export const BOUNDS = {
  /**
   * A held request is answered at its hold timeout at the latest. That counts from the start of its backend, or from the
   * moment when the store has not confirmed the route for as long.
   */
  held: QUEUED + 2 * onSlowestClock(HOLD_MS) + 1_000,
  /** A call of a client is answered by its deadline. */
  call: onSlowestClock(SPAWN_PATIENCE_MS) + 1_000,
  /** A message that was sent before healing has arrived. */
  delayed: LONGEST_DELAY.bad + LONGEST_DELAY.calm,
  /** Every node is registered and renews. */
  registered: REPEATED_CALL + INTERRUPTED + TURNS,
  /** A placement whose answer was lost, of a spawn from before healing, is abandoned, and its drone has renewed since. */
  refused: onSlowestClock(SPAWN_PATIENCE_MS + DEADLINES.reservation + DEADLINES.renewEvery) + TURNS,
  /** Dns has renewed after every proxy has, so it names them all. */
  named: 2 * REPEATED_CALL + INTERRUPTED + TURNS,
  /** The window of a store epoch closes; the epoch itself begins with the first script of a scheduler. */
  window: onSlowestClock(DEADLINES.leaseGiveAway) + REPEATED_CALL + TURNS,
  /** A proxy that crashed is no longer asked before an idle shutdown. Its last renewal may arrive after healing. */
  proxyForgotten: LONGEST_DELAY.bad + onSlowestClock(DEADLINES.proxyForgotten) + TURNS,
  /** Replicas drop what a lost store no longer has, and look at the head of the log. */
  refilled: onSlowestClock(DEADLINES.refill + 5_000) + REPEATED_CALL + TURNS,
  /** A program that has lost its network is found by a look of the agent, at the latest after its grace. */
  severed: onSlowestClock(2 * 10_000) + REPEATED_CALL + TURNS,
  /** From the loss of a drone: its lease has lapsed and its keys are free. */
  lapsed: PAUSE_MS + onSlowestClock(DEADLINES.leaseGiveAway) + INTERRUPTED + TURNS,

  /** From a request to a READY backend, until it reaches it: a few calls and one look at the kernel. */
  request: 1_000,
  /** From the answer to a revocation, until every proxy has cut what the token opened: one entry of the route log. */
  revoked: 1_000,
  /** From a change of a route, until dns has it: one entry of the route log. */
  news: 1_000,
  /** From the answer to a spawn, until its backend is READY: the slowest pull, queue, start and program, and a turn of its probe. */
  ready: 4_000 + QUEUED + 40 + 600 + 3_000 + TURNS,
  /** From the last use of a backend, beside its idle timeout: the report of it, a settlement, and one that was refused. */
  settled: onSlowestClock(DEADLINES.activityReport + 1_000) + TURNS,
  /** From the order to stop, beside the backend's own grace: signal, removal, report, and a turn of the deadlines. */
  stopped: 1_000 + TURNS,
} as const;

/** From the last use of a backend with these terms until its record has ended. */
export function idleShutdownMs({
  idleTimeoutMs,
  stopGraceMs,
}: {
  idleTimeoutMs: number;
  stopGraceMs: number;
}): number {
  return onSlowestClock(idleTimeoutMs + stopGraceMs) + BOUNDS.settled + BOUNDS.stopped;
}
