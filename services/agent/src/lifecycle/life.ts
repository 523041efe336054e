import { SPEC_DEFAULTS } from '@spawner/domain';
import { BackendStatus } from '@spawner/proto/internal/backend_status';
import { type BackendSpec, BackendState, type EndReason } from '@spawner/proto/v1/backend';
import type { ProgramExit } from '../runtime/runtime.ts';

/** The state of one backend. Instants are milliseconds of the agent's clock. */
export interface Life {
  readonly status: BackendStatus;
  readonly terms: Terms;
  /** The scheduler has acknowledged a report of this backend. */
  readonly acknowledged?: boolean;
  /** When the pull began. Undefined again once the image is present. */
  readonly loadingAt?: number;
  readonly startedAt?: number;
  readonly readyAt?: number;
  /** The program ended before the runtime had reported its start. */
  readonly early?: ProgramExit;
  readonly ending?: Ending;
}

/** The spec's time limits. */
export type Terms = ReturnType<typeof termsOf>;

export interface Ending {
  readonly reason: EndReason;
  readonly detail: string;
  /** The instant at which the stop signal was due. */
  readonly stopAt?: number;
  /** The removal has been ordered, so later events are ignored. */
  readonly removing: boolean;
}

export function termsOf(spec: BackendSpec) {
  return {
    pullTimeoutMs: spec.pullTimeoutMs ?? SPEC_DEFAULTS.pullTimeoutMs,
    startupTimeoutMs: spec.startupTimeoutMs ?? SPEC_DEFAULTS.startupTimeoutMs,
    idleTimeoutMs: spec.idleTimeoutMs ?? SPEC_DEFAULTS.idleTimeoutMs,
    lifetimeLimitMs: spec.lifetimeLimitMs ?? SPEC_DEFAULTS.lifetimeLimitMs,
    stopGraceMs: spec.stopGraceMs ?? SPEC_DEFAULTS.stopGraceMs,
  };
}

/** A backend that was placed here and has not started yet. */
export function newLife(id: string, terms: Terms, createTime: Date): Life {
  const [state, revision] = [BackendState.SCHEDULED, 1];
  const events = [{ state, revision, time: createTime }];
  return { status: BackendStatus.fromPartial({ id, state, revision, events }), terms };
}

/** Whether the image is present. A backend that is still LOADING then waits for the place of its start. */
export function hasImage({ status, loadingAt }: Life): boolean {
  return (
    status.state > BackendState.LOADING || (status.state === BackendState.LOADING && loadingAt === undefined)
  );
}

/** Whether the start has a place, and its program has not started so far. */
export function isStarting({ status, ending }: Life): boolean {
  return status.state === BackendState.STARTING && !ending;
}

/** Whether the start waits for its place. */
export function isQueued(life: Life): boolean {
  return life.status.state === BackendState.LOADING && hasImage(life) && !life.ending;
}

export function hasEnded(life: Life): boolean {
  return life.status.state === BackendState.TERMINATED;
}

/** Whether the program has been started and is not known to have ended. */
export function isRunning(life: Life): boolean {
  return life.startedAt !== undefined && !hasEnded(life) && life.ending?.removing !== true;
}

/** The same life on the clock of another boot. Every clock that was running restarts. */
export function afterReboot(life: Life, now: number): Life {
  const restarted = (instant: number | undefined) => (instant === undefined ? undefined : now);
  const { ending } = life;
  return {
    ...life,
    loadingAt: restarted(life.loadingAt),
    startedAt: restarted(life.startedAt),
    readyAt: restarted(life.readyAt),
    ending: ending && { ...ending, stopAt: restarted(ending.stopAt) },
  };
}
