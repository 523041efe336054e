import type { BackendStatus } from '@spawner/proto/internal/backend_status';
import type { StepTimes } from '@spawner/proto/v1/backend';

/** The times of some steps of a start, in whole milliseconds of one process's clock. */
export type Steps = Partial<StepTimes>;

/** The status with the times of more steps. */
export function withSteps(status: BackendStatus, steps: Steps | undefined): BackendStatus {
  return steps ? { ...status, steps: { ...status.steps, ...steps } } : status;
}

/** The steps of a creation that took `ms` in all. A runtime may get the program's network in a step of its own. */
export function stepsOfCreation(ms: number, networkMs: number | undefined): Steps {
  if (networkMs === undefined) return { createMs: wholeMs(ms) };
  return { sandboxMs: wholeMs(networkMs), createMs: wholeMs(ms - networkMs) };
}

/** A duration as a record has it. */
export function wholeMs(ms: number): number {
  return Math.max(0, Math.round(ms));
}
