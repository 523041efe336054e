import { SPEC_DEFAULTS } from '@spawner/domain';
import type { BackendStatus } from '@spawner/proto/internal/backend_status';
import { type BackendSpec, BackendState, EndReason } from '@spawner/proto/v1/backend';
import type { ProgramExit } from '../runtime/runtime.ts';

/** All that is known of one backend's life. Instants are milliseconds of the agent's clock. */
export interface Life {
  readonly status: BackendStatus;
  readonly terms: Terms;
  /** The scheduler has taken a report of it. */
  readonly acknowledged?: boolean;
  readonly loadingAt?: number;
  readonly startedAt?: number;
  readonly readyAt?: number;
  /** It ended before its start had been heard of. */
  readonly early?: ProgramExit;
  readonly ending?: Ending;
}

/** What its spec says of time. */
export interface Terms {
  readonly pullTimeoutMs: number;
  readonly startupTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly lifetimeLimitMs: number;
  readonly stopGraceMs: number;
}

export interface Ending {
  readonly reason: EndReason;
  readonly detail: string;
  /** It ended by itself or never got ready: its last lines are worth keeping. */
  readonly keepLogs: boolean;
  /** When the stop signal was due. */
  readonly stopAt?: number;
  /** Removal has been ordered; nothing is to be learnt from it any more. */
  readonly removing: boolean;
}

export function termsOf(spec: BackendSpec): Terms {
  return {
    pullTimeoutMs: spec.pullTimeoutMs ?? SPEC_DEFAULTS.pullTimeoutMs,
    startupTimeoutMs: spec.startupTimeoutMs ?? SPEC_DEFAULTS.startupTimeoutMs,
    idleTimeoutMs: spec.idleTimeoutMs ?? SPEC_DEFAULTS.idleTimeoutMs,
    lifetimeLimitMs: spec.lifetimeLimitMs ?? SPEC_DEFAULTS.lifetimeLimitMs,
    stopGraceMs: spec.stopGraceMs ?? SPEC_DEFAULTS.stopGraceMs,
  };
}

/** A backend that was placed here and has not begun. */
export function newLife(id: string, terms: Terms, createTime: Date): Life {
  const status: BackendStatus = {
    id,
    state: BackendState.SCHEDULED,
    revision: 1,
    endReason: EndReason.UNSPECIFIED,
    endDetail: '',
    outOfMemory: false,
    lastLogs: [],
    events: [{ state: BackendState.SCHEDULED, revision: 1, time: createTime }],
  };
  return { status, terms };
}

export function hasEnded(life: Life): boolean {
  return life.status.state === BackendState.TERMINATED;
}

/** Whether its program has been started and is not known to have ended. */
export function isRunning(life: Life): boolean {
  return life.startedAt !== undefined && !hasEnded(life) && life.ending?.removing !== true;
}

/** The same life on another boot's clock: every clock that was running begins anew. */
export function afterReboot(life: Life, now: number): Life {
  const anew = (instant: number | undefined) => (instant === undefined ? undefined : now);
  const { ending } = life;
  return {
    ...life,
    loadingAt: anew(life.loadingAt),
    startedAt: anew(life.startedAt),
    readyAt: anew(life.readyAt),
    ending: ending && { ...ending, stopAt: anew(ending.stopAt) },
  };
}
