import type { Endpoint } from '@spawner/proto/internal/backend_status';
import type { BackendKey, BackendSpec } from '@spawner/proto/v1/backend';
import type { TailLogsResponse } from '@spawner/proto/v1/backend_service';

/**
 * What runs programs for the agent. Ids are backend ids; a runtime sees only those of its own cluster
 * and drone. "Already so" is success everywhere.
 */
export interface Runtime {
  readonly kind: 'docker' | 'process';
  /** Makes the image present, as the spec's pull policy says. Throws RuntimeError with the registry's words. */
  pull(spec: BackendSpec, signal: AbortSignal): Promise<void>;
  /** Makes it ready to start, in place of a leftover of the same id. Throws RuntimeError. */
  create(program: Program): Promise<void>;
  /** Starts what `create` has made. Throws RuntimeError. */
  start(id: string): Promise<Endpoints>;
  /** Sends a signal to the program; false where none runs. */
  signal(id: string, name: string): Promise<boolean>;
  /** Kills what is left of it and removes every trace, logs included. */
  remove(id: string): Promise<void>;
  inspect(id: string): Promise<Condition>;
  /** Lines from the last `tailLines` (default: all) on; with `follow` until the program ends or the signal aborts. */
  logs(id: string, options: LogOptions): AsyncIterable<TailLogsResponse>;
  /** A sample now and then, at most one a second, until the program ends or the signal aborts. */
  stats(id: string, signal: AbortSignal): AsyncIterable<Sample>;
  /**
   * Established connections to its port in its own network namespace, as the kernel counts them now;
   * nothing where the kernel cannot be asked.
   */
  established(id: string): Promise<number | undefined>;
  /** Ids of all that there is of this drone, running or not. */
  list(): Promise<string[]>;
  /** Calls `changed` with the id of what ended, without one when anything may have; until the signal aborts. */
  watch(changed: (id?: string) => void, signal: AbortSignal): Promise<void>;
  close(): Promise<void> | void;
}

export interface Program {
  readonly id: string;
  readonly placement: number;
  readonly spec: BackendSpec;
  readonly key?: BackendKey;
}

export interface Endpoints {
  readonly local: Endpoint;
  readonly network?: Endpoint;
}

export interface ProgramExit {
  /** 128 + n for an end by signal n; absent where nobody knows. */
  readonly code?: number;
  readonly outOfMemory: boolean;
}

export type Condition =
  | { readonly is: 'running'; readonly endpoints: Endpoints }
  | { readonly is: 'exited'; readonly exit: ProgramExit }
  /** There is none, or one that was never started. */
  | { readonly is: 'absent' };

export interface LogOptions {
  readonly follow: boolean;
  readonly tailLines?: number;
  readonly signal: AbortSignal;
}

export interface Sample {
  /** Of one processor; 200 is two processors. */
  readonly cpuPercent: number;
  /** Of its limit, or of the machine where it has none. */
  readonly memoryPercent: number;
  readonly memoryBytes: number;
}

/** The registry, the engine or the drone refuses. `detail` is for the user, and becomes the end_detail. */
export class RuntimeError extends Error {
  override readonly name = 'RuntimeError';
  readonly detail: string;

  constructor(detail: string, options?: { cause?: unknown }) {
    super(detail, options);
    this.detail = detail;
  }
}
