import { formatDuration } from '@spawner/domain';
import type { BackendStatus } from '@spawner/proto/internal/backend_status';
import type { StopOrder } from '@spawner/proto/internal/scheduler_service';
import { BackendState, EndReason } from '@spawner/proto/v1/backend';
import {
  type Condition,
  ENDED_EARLY,
  type Endpoints,
  type ProgramExit,
  SEVERED,
} from '../runtime/runtime.ts';
import { cut, lastLines } from './last-lines.ts';
import { type Ending, hasImage, type Life } from './life.ts';
import { type Steps, withSteps } from './step-times.ts';

/**
 * One backend's life as a pure state machine: an event and its time go in, the next life and the effects come out. Every
 * path to TERMINATED passes through `remove`, so a record that has ended has no container.
 */
export type LifeEvent =
  | { readonly type: 'begin' }
  | ({ readonly type: 'loaded' } & Timed)
  /** The start has a place (start-queue.ts). */
  | ({ readonly type: 'admitted' } & Timed)
  /** The scheduler has acknowledged a report of this backend, so it will not abandon the placement any more. */
  | { readonly type: 'acknowledged' }
  | { readonly type: 'load_failed'; readonly detail: string }
  | ({ readonly type: 'started'; readonly endpoints: Endpoints } & Timed)
  | { readonly type: 'start_failed'; readonly detail: string }
  | ({ readonly type: 'answered' } & Timed)
  /** A proxy has seen the first byte of a response for which it held the request. The first report counts. */
  | { readonly type: 'first_byte'; readonly steps: Pick<Steps, 'firstByteMs'> }
  /** Without an exit, the container no longer exists. */
  | { readonly type: 'exited'; readonly exit?: ProgramExit }
  /** The program runs without its network. */
  | { readonly type: 'severed' }
  | ({ readonly type: 'stop' } & Order)
  /** More is known about the cause of the end that has begun. */
  | { readonly type: 'hint'; readonly detail: string }
  | { readonly type: 'fault'; readonly detail: string }
  | ({ readonly type: 'gone' } & Removed)
  | { readonly type: 'tick' };

/** A container that has been removed. */
interface Removed {
  readonly lastLogs: readonly string[];
  /** Undefined if the program never ran, or ran until the removal. */
  readonly exit?: ProgramExit;
  /** The program ran until the removal, which killed it. */
  readonly killed?: boolean;
}

/** The times of the steps that an event ends. */
interface Timed {
  readonly steps?: Steps;
}

type Order = Omit<StopOrder, 'id'>;
type Cause = Pick<Ending, 'reason' | 'detail'> & Partial<Ending>;

/** Work for the runtime, done one after the other. `abort` takes effect at once and cuts a pull, a wait or a probe short. */
export type Effect = 'pull' | 'queue' | 'create' | 'start' | 'probe' | 'abort' | 'signal' | 'remove';

export interface Instant {
  readonly now: number;
  readonly wall: Date;
}

export interface Step {
  readonly life: Life;
  readonly effects: readonly Effect[];
}

const MOST_DETAIL = 2_000;
/** The exit of a program that SIGKILL ended, as a shell reports it. */
const KILLED: ProgramExit = { code: 137, outOfMemory: false };

/** Applies an event. An event that changes nothing returns the same life and no effects. */
export function step(life: Life, event: LifeEvent, at: Instant): Step {
  const { state } = life.status;
  if (state === BackendState.TERMINATED) return unchanged(life);
  switch (event.type) {
    case 'begin':
      if (state !== BackendState.SCHEDULED) return unchanged(life);
      return next({ ...moved(life, BackendState.LOADING, at), loadingAt: at.now }, 'pull');
    case 'loaded':
      if (state !== BackendState.LOADING || life.ending) return unchanged(life);
      if (hasImage(life)) return unchanged(life);
      return next({ ...life, loadingAt: undefined, status: withSteps(life.status, event.steps) }, 'queue');
    case 'admitted':
      if (state !== BackendState.LOADING || !hasImage(life) || life.ending) return unchanged(life);
      return next(timed(moved(life, BackendState.STARTING, at), event), ...launch(life));
    case 'acknowledged':
      if (life.acknowledged) return unchanged(life);
      return state === BackendState.STARTING && !life.ending
        ? next({ ...life, acknowledged: true }, 'start')
        : next({ ...life, acknowledged: true });
    case 'load_failed':
      if (state !== BackendState.LOADING || life.ending) return unchanged(life);
      return removal(life, { reason: EndReason.LOAD_ERROR, detail: event.detail });
    case 'started':
      return started(life, event, at);
    case 'start_failed':
      if (state !== BackendState.STARTING && state !== BackendState.TERMINATING) return unchanged(life);
      return removal(life, { reason: EndReason.START_ERROR, detail: event.detail });
    case 'answered':
      if (state !== BackendState.WAITING || life.ending) return unchanged(life);
      return next({
        ...timed(moved(life, BackendState.READY, at, { readyTime: at.wall }), event),
        readyAt: at.now,
      });
    case 'first_byte':
      if (state !== BackendState.READY || life.status.steps?.firstByteMs !== undefined)
        return unchanged(life);
      return next(timed(revised(life), event));
    case 'exited':
      return exited(life, event.exit);
    case 'severed':
      return severed(life);
    case 'stop':
      return stopped(life, event, at);
    case 'hint':
      return hinted(life, event.detail);
    case 'fault':
      return removal(life, { reason: EndReason.INTERNAL, detail: event.detail });
    case 'gone':
      return next(gone(life, event, at));
    case 'tick':
      return ticked(life, at);
  }
}

/** Continues a life after a restart of the agent, given the program's present condition. */
export function resume(life: Life, condition: Condition, at: Instant): Step {
  const { state } = life.status;
  if (state === BackendState.TERMINATED) return unchanged(life);
  if (life.ending?.removing) return next(life, 'remove');
  // The disk was full for a while, so the journal is behind its program, which must not be started twice.
  if (state <= BackendState.LOADING && condition.is !== 'absent')
    return resume(moved(life, BackendState.STARTING, at), condition, at);
  if (state === BackendState.SCHEDULED) return step(life, { type: 'begin' }, at);
  if (state === BackendState.LOADING) return next(life, hasImage(life) ? 'queue' : 'pull');
  if (condition.is === 'severed' && !life.ending) return severed(life);
  if (state === BackendState.STARTING && condition.is === 'absent')
    return next(life, 'queue', ...launch(life));
  if (state === BackendState.STARTING && condition.is === 'running')
    return step(life, { type: 'started', endpoints: condition.endpoints }, at);
  if (condition.is === 'running' || condition.is === 'severed') {
    if (state === BackendState.TERMINATING)
      return next({ ...life, startedAt: life.startedAt ?? at.now }, 'signal');
    return state === BackendState.WAITING ? next(life, 'probe') : unchanged(life);
  }
  const exit = condition.is === 'exited' ? condition.exit : undefined;
  return state === BackendState.STARTING
    ? removal(life, { reason: EndReason.START_ERROR, detail: ENDED_EARLY }, exit)
    : exited(life, exit);
}

/** A program is started only once the scheduler has acknowledged it. An abandoned placement, whose key is free, never starts. */
function launch(life: Life): Effect[] {
  return life.acknowledged ? ['create', 'start'] : ['create'];
}

function started(life: Life, event: Extract<LifeEvent, { type: 'started' }>, at: Instant): Step {
  // The end was ordered during the start. The program runs all the same, so its exit must be watched for.
  if (life.status.state === BackendState.TERMINATING && !life.ending?.removing)
    return next({ ...life, startedAt: life.startedAt ?? at.now });
  if (life.status.state !== BackendState.STARTING || life.ending) return unchanged(life);
  const waiting = {
    ...timed(moved(life, BackendState.WAITING, at, event.endpoints), event),
    startedAt: at.now,
  };
  return life.early ? exited(waiting, life.early) : next(waiting, 'probe');
}

function exited(life: Life, exit: ProgramExit | undefined): Step {
  const { state } = life.status;
  if (state < BackendState.STARTING || life.ending?.removing) return unchanged(life);
  if (state === BackendState.STARTING)
    return exit && !life.early ? next({ ...life, early: exit }) : unchanged(life);
  const ready = life.readyAt !== undefined;
  const bySelf = ready && exit?.code === 0 ? EndReason.EXITED : EndReason.FAILED;
  const detail = exit ? (ready ? '' : ENDED_EARLY) : 'its container was removed from outside';
  return removal(life, { reason: ready ? bySelf : EndReason.START_ERROR, detail }, exit);
}

/** No one can reach the program any more. If its end is ordered, it still has its grace. */
function severed(life: Life): Step {
  if (life.status.state < BackendState.STARTING || life.ending) return unchanged(life);
  const reason = life.readyAt === undefined ? EndReason.START_ERROR : EndReason.FAILED;
  return removal(life, { reason, detail: SEVERED });
}

function stopped(life: Life, order: Order, at: Instant): Step {
  if (life.ending?.removing || (life.ending && !order.force)) return unchanged(life);
  const ending: Ending = life.ending ?? {
    reason: order.reason,
    detail: cut(order.detail ?? '', MOST_DETAIL),
    stopAt: at.now,
    removing: false,
  };
  const { state } = life.status;
  const unstarted = state < BackendState.STARTING || (state === BackendState.STARTING && !life.acknowledged);
  const atOnce = order.force || unstarted;
  const terminating = life.ending
    ? life
    : moved(life, BackendState.TERMINATING, at, { endReason: ending.reason });
  return next(
    { ...terminating, ending: { ...ending, removing: atOnce } },
    'abort',
    atOnce ? 'remove' : 'signal',
  );
}

/** The journal has the longer detail, and the record gets it with the end. */
function hinted(life: Life, more: string): Step {
  const { ending } = life;
  if (!ending || ending.removing || ending.detail.endsWith(more)) return unchanged(life);
  return next({ ...life, ending: { ...ending, detail: cut(`${ending.detail}; ${more}`, MOST_DETAIL) } });
}

function ticked(life: Life, at: Instant): Step {
  const { terms, ending } = life;
  const passed = (since: number | undefined, limit: number) => since !== undefined && at.now - since >= limit;
  if (ending) {
    if (ending.removing || !passed(ending.stopAt ?? at.now, terms.stopGraceMs)) return unchanged(life);
    return next({ ...life, ending: { ...ending, removing: true } }, 'remove');
  }
  switch (life.status.state) {
    case BackendState.LOADING: {
      if (!passed(life.loadingAt, terms.pullTimeoutMs)) return unchanged(life);
      const detail = `the image was not present within ${terms.pullTimeoutMs} ms`;
      return removal(life, { reason: EndReason.LOAD_ERROR, detail });
    }
    case BackendState.WAITING: {
      if (!passed(life.startedAt, terms.startupTimeoutMs)) return unchanged(life);
      const detail = `no answer within ${terms.startupTimeoutMs} ms of the start`;
      return stopped(life, { reason: EndReason.STARTUP_TIMEOUT, force: false, detail }, at);
    }
    case BackendState.READY:
      if (terms.lifetimeLimitMs === 0 || !passed(life.readyAt, terms.lifetimeLimitMs)) return unchanged(life);
      return stopped(life, { reason: EndReason.LIFETIME, force: false }, at);
    default:
      return unchanged(life);
  }
}

/** Ends the life for the given cause, unless another end was ordered before. */
function removal(life: Life, cause: Cause, exit?: ProgramExit): Step {
  const { reason, detail } = cause;
  if (life.ending?.removing) return unchanged(life);
  const ending = life.ending ?? { reason, detail: cut(detail, MOST_DETAIL) };
  const status = exit ? withExit(life.status, exit) : life.status;
  return next({ ...life, status, ending: { ...ending, removing: true } }, 'abort', 'remove');
}

function gone(life: Life, { lastLogs, exit, killed }: Removed, at: Instant): Life {
  const { status, ending } = life;
  const outlasted = killed && ending?.stopAt !== undefined ? deathOf(life, ending.stopAt, at) : undefined;
  const last = outlasted ? KILLED : exit;
  const known = last && status.exitCode === undefined ? withExit(status, last) : status;
  const details = [ending?.detail, outlasted].filter((each) => each);
  return moved({ ...life, status: known }, BackendState.TERMINATED, at, {
    endTime: at.wall,
    endReason: ending?.reason ?? EndReason.INTERNAL,
    endDetail: details.join('; '),
    lastLogs: lastLines(lastLogs),
  });
}

/** An ordered end that may lose a user's last work must be told apart from one that the program carried out itself. */
function deathOf({ terms: { stopGraceMs } }: Life, stopAt: number, { now }: Instant): string {
  if (now - stopAt < stopGraceMs) return 'its program was killed at once';
  return `its program did not stop within its grace of ${formatDuration(stopGraceMs)} and was killed`;
}

function withExit(status: BackendStatus, exit: ProgramExit): BackendStatus {
  return { ...status, exitCode: exit.code, outOfMemory: exit.outOfMemory };
}

function moved(life: Life, state: BackendState, at: Instant, more: Partial<BackendStatus> = {}): Life {
  const revision = life.status.revision + 1;
  const events = [...life.status.events, { state, revision, time: at.wall }];
  return { ...life, status: { ...life.status, ...more, state, revision, events } };
}

/** The next revision without a step of the life, which reaches the record with the next renewal. */
function revised(life: Life): Life {
  return { ...life, status: { ...life.status, revision: life.status.revision + 1 } };
}

function timed(life: Life, { steps }: Timed): Life {
  return { ...life, status: withSteps(life.status, steps) };
}

function next(life: Life, ...effects: Effect[]): Step {
  return { life, effects };
}

function unchanged(life: Life): Step {
  return next(life);
}
