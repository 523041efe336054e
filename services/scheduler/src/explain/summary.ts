import { DEADLINES, formatDuration } from '@spawner/domain';
import { type Backend, BackendState, EndReason, type PullProgress } from '@spawner/proto/v1/backend';
import {
  type BackendClock,
  ClockName,
  type PlacementCandidates,
  type RefusedEnd,
  type UnforwardableAnswer,
} from '@spawner/proto/v1/explanation';
import { ordinal } from './ordinal.ts';

/** The recorded facts from which the sentences of an explanation are made. */
export interface Facts {
  /** With its activity if its drone answered. */
  readonly backend: Backend;
  readonly clocks: readonly BackendClock[];
  readonly refusedEnds: readonly RefusedEnd[];
  /** The last answer that a proxy could not forward. */
  readonly unforwardableAnswer?: UnforwardableAnswer;
  /** The reason of an end that has begun. */
  readonly endReason: EndReason;
  /** Time since its drone last renewed; infinite if the drone is not registered. */
  readonly silentMs: number;
  /** Whether it ends with the lease of its drone. */
  readonly strict: boolean;
  readonly now: Date;
}

/** Explains in one or two sentences why a backend is alive or why it ended. Pure. */
export function lifeSummary(facts: Facts): string {
  const { backend, clocks, endReason } = facts;
  const limit = (name: ClockName) =>
    formatDuration(clocks.find((clock) => clock.name === name)?.limitMs ?? 0);
  const elapsed = (name: ClockName) => {
    const clock = clocks.find((each) => each.name === name);
    return clock ? ` for ${formatDuration(clock.elapsedMs)}` : '';
  };
  const remaining = (name: ClockName, then: string) => {
    const ms = remainingOf(clocks, name);
    return ms === undefined ? '' : `; ${then} in ${formatDuration(ms)}`;
  };
  if (backend.state === BackendState.TERMINATED) return ended(backend);
  if (backend.unreachable) return unreachable(facts);
  // The drone may have begun the end before the record says so.
  const state = endReason === EndReason.UNSPECIFIED ? backend.state : BackendState.TERMINATING;
  switch (state) {
    case BackendState.SCHEDULED:
      return `Placed on drone ${backend.droneId}, which has not reported on it yet.`;
    case BackendState.LOADING:
      if (backend.queuePosition !== undefined) return waiting(backend.queuePosition, backend.expectedWaitMs);
      return `LOADING: pulling its image${pulled(backend.pull)}${elapsed(ClockName.PULL)}${remaining(ClockName.PULL, 'abandoned')}.${failed(backend.pull)}`;
    case BackendState.STARTING:
      return 'STARTING: its container is being created and started.';
    case BackendState.WAITING:
      return `WAITING for its program's first answer${elapsed(ClockName.STARTUP)}${remaining(ClockName.STARTUP, 'abandoned')}.`;
    case BackendState.TERMINATING: {
      const as = endReason === EndReason.UNSPECIFIED ? '' : ` as ${nameOf(endReason)}`;
      const grace = remainingOf(clocks, ClockName.GRACE);
      if (grace === undefined) return `Ending${as}.`;
      return `Ending${as}: ${formatDuration(grace)} of its grace of ${limit(ClockName.GRACE)} are left.`;
    }
    default:
      return [use(facts), lifetime(clocks), unforwardable(facts)]
        .filter((sentence) => sentence !== '')
        .join(' ');
  }
}

/** Explains in a sentence why its drone was chosen. Pure. */
export function placementSummary(droneId: string, candidates: PlacementCandidates | undefined): string {
  if (!candidates) return `It is on drone ${droneId}; the record of its placement was lost.`;
  const { known, considered, stale, full, loadPermille, later, expectedWaitMs } = candidates;
  const ready = expectedWaitMs === undefined ? '' : `, ready in about ${formatDuration(expectedWaitMs)}`;
  const load = `${Math.round(loadPermille / 10)} % reserved${ready}`;
  if (known <= 1) return `Drone ${droneId} (${load}) was the only one.`;
  const over = [
    ...(full > 0 ? [`${full} had no room`] : []),
    ...(stale > 0 ? [`${stale} had not renewed`] : []),
    ...(later > 0 ? [`${later} would have had it ready later`] : []),
    ...(known > considered ? [`${known - considered} had at least as much reserved`] : []),
  ];
  const among = later > 0 ? 'the least loaded of those that start it soonest' : 'the least loaded with room';
  return `Drone ${droneId} (${load}) was ${among}, of ${known}: ${over.join(', ')}.`;
}

function waiting(position: number, expectedWaitMs: number | undefined): string {
  const left = expectedWaitMs === undefined ? '' : `; about ${formatDuration(expectedWaitMs)} are left`;
  return `LOADING: it is ${ordinal(position)} in the queue of its drone${left}.`;
}

function pulled(pull: PullProgress | undefined): string {
  if (!pull || pull.layers === 0) return '';
  const { layers, layersDone, bytes, bytesDone } = pull;
  const arrived = bytes === 0 ? '' : `, ${megabytes(bytesDone)} of ${megabytes(bytes)} MB`;
  return ` (${layersDone} of ${layers} layers${arrived})`;
}

function failed(pull: PullProgress | undefined): string {
  if (!pull || pull.lastError === '') return '';
  return ` An attempt failed: ${pull.lastError}. It is tried again.`;
}

const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);

function use({ backend, clocks, refusedEnds, now }: Facts): string {
  const { activity, idleTimeoutMs } = backend;
  if (!activity) return 'READY; its drone did not answer how it is used.';
  const { openConnections: open, idleForMs } = activity;
  if (open > 0) return `READY and in use: ${open} open connection${open === 1 ? '' : 's'}.`;
  if (idleTimeoutMs === 0) return `READY, idle for ${formatDuration(idleForMs)}; it has no idle timeout.`;
  const left = remainingOf(clocks, ClockName.IDLE) ?? activity.idleRemainingMs ?? 0;
  const idle = `READY, idle for ${formatDuration(idleForMs)}`;
  const end =
    left > 0
      ? `ends in ${formatDuration(left)} unless a client connects`
      : 'its idle shutdown is being settled';
  const last = refusedEnds.at(-1);
  if (!last?.time) return `${idle}; ${end}.`;
  const ago = formatDuration(Math.max(0, now.getTime() - last.time.getTime()));
  return `${idle}; ${end}. Its idle shutdown was refused ${ago} ago: ${last.cause}.`;
}

function unforwardable({ unforwardableAnswer: answer, now }: Facts): string {
  if (!answer?.time) return '';
  const ago = formatDuration(Math.max(0, now.getTime() - answer.time.getTime()));
  return `An answer of its program could not be forwarded ${ago} ago: ${answer.objection}.`;
}

function lifetime(clocks: readonly BackendClock[]): string {
  const left = remainingOf(clocks, ClockName.LIFETIME);
  return left === undefined ? '' : `Its lifetime ends in ${formatDuration(left)}.`;
}

function unreachable({ backend, silentMs, strict }: Facts): string {
  if (!Number.isFinite(silentMs)) return `Unreachable: its drone ${backend.droneId} is not registered.`;
  const silent = `Unreachable: its drone has not renewed for ${formatDuration(silentMs)}.`;
  const [limit, then] = strict
    ? [DEADLINES.leaseGiveAway, 'it ends as LEASE_LOST']
    : [DEADLINES.droneForgotten, 'it ends as DRONE_LOST'];
  return `${silent} Unless the drone returns, ${then} in ${formatDuration(Math.max(0, limit - silentMs))}.`;
}

function ended(backend: Backend): string {
  const { endReason, endTime, endDetail } = backend;
  const at = endTime ? ` at ${endTime.toISOString()}` : '';
  const detail = endDetail === '' ? '' : ` (${endDetail})`;
  const cause = CAUSES[endReason]?.(backend) ?? 'an internal error of Spawner';
  return `Ended as ${nameOf(endReason)}${at}: ${cause}${detail}.`;
}

/** The causes of ends. All others are errors of ours. */
const CAUSES: Partial<Record<EndReason, (backend: Backend) => string>> = {
  [EndReason.IDLE]: ({ idleTimeoutMs }) => `it was unused for ${formatDuration(idleTimeoutMs)}`,
  [EndReason.LIFETIME]: ({ lifetimeLimitMs }) => `its lifetime of ${formatDuration(lifetimeLimitMs)} ended`,
  [EndReason.REQUESTED]: () => 'a caller terminated it',
  [EndReason.EXITED]: () => 'its program exited with code 0',
  [EndReason.FAILED]: (backend) =>
    backend.outOfMemory ? 'its program ran out of memory' : `its program exited${withCode(backend)}`,
  [EndReason.LOAD_ERROR]: () => 'its image could not be pulled',
  [EndReason.START_ERROR]: (backend) =>
    `it could not be started${withCode(backend) && `, its program exited${withCode(backend)}`}`,
  [EndReason.STARTUP_TIMEOUT]: () => 'it did not become ready in time',
  [EndReason.LEASE_LOST]: () => 'its drone could not renew its lease in time',
  [EndReason.DRONE_LOST]: () => 'its drone was given up',
  [EndReason.DRAINED]: () => 'its drone was drained',
};

function withCode({ exitCode }: Backend): string {
  return exitCode === undefined ? '' : ` with code ${exitCode}`;
}

function remainingOf(clocks: readonly BackendClock[], wanted: ClockName): number | undefined {
  return clocks.find(({ name }) => name === wanted)?.remainingMs;
}

function nameOf(reason: EndReason): string {
  return Object.entries(EndReason).find(([, value]) => value === reason)?.[0] ?? 'UNSPECIFIED';
}
