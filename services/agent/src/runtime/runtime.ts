import type { Endpoint } from '@spawner/proto/internal/backend_status';
import type { BackendStats } from '@spawner/proto/internal/telemetry';
import type { BackendKey, BackendSpec, PullProgress } from '@spawner/proto/v1/backend';
import type { TailLogsResponse } from '@spawner/proto/v1/backend_service';
import type { SandboxKeeper } from '../network/sandbox-keeper.ts';

/**
 * Runs programs for the agent. Ids are backend ids, and a runtime sees only those of its own cluster and drone. Every call
 * is idempotent.
 */
export interface Runtime {
  readonly kind: 'docker' | 'process';
  /** Undefined if programs have no network of their own. */
  readonly sandboxes?: SandboxKeeper;
  /** Makes the image present, as the spec's pull policy demands. Throws RuntimeError with the registry's message. */
  pull(spec: BackendSpec, signal: AbortSignal): Promise<void>;
  /** How far the pull for this spec is. Absent from runtimes without images; undefined if none is under way. */
  pullProgress?(spec: BackendSpec): PullProgress | undefined;
  /**
   * Creates the program, in place of a leftover of the same id. `networked` gets the milliseconds until it had its network or
   * its address, if that is a step of its own. Throws RuntimeError.
   */
  create(program: Program, networked?: (ms: number) => void): Promise<void>;
  /** Starts a created program. Throws RuntimeError. */
  start(id: string): Promise<Endpoints>;
  /** Sends a signal to the program: without a name, its own stop signal. Returns false if it does not run. */
  signal(id: string, name: string): Promise<boolean>;
  /** Kills the program and removes every trace of it, including its logs. */
  remove(id: string): Promise<void>;
  inspect(id: string): Promise<Condition>;
  /** The last `tailLines` lines (all by default), and with `follow` new ones until the program ends or the signal aborts. */
  logs(id: string, options: LogOptions): AsyncIterable<TailLogsResponse>;
  /** Samples, at most one a second, until the program ends or the signal aborts. */
  stats(id: string, signal: AbortSignal): AsyncIterable<Sample>;
  /**
   * The established connections to the program's port in its network namespace now. Returns undefined if the kernel cannot
   * be asked.
   */
  established(id: string): Promise<number | undefined>;
  /**
   * The addresses at which the program listens, as `127.0.0.1:3000`. Absent from runtimes whose programs share the machine's
   * network. Returns undefined if the kernel cannot be asked.
   */
  listeners?(id: string): Promise<string[] | undefined>;
  /** Ids of all programs of this drone, running or not. */
  list(): Promise<string[]>;
  /** Calls `changed` with the id of a program that ended, or without one if any may have, until the signal aborts. */
  watch(changed: (id?: string) => void, signal: AbortSignal): Promise<void>;
  close(): Promise<void> | void;
}

export interface Program {
  readonly id: string;
  readonly placement: number;
  readonly spec: BackendSpec;
  /** The key that it holds. Its placement is then its fence. */
  readonly key?: BackendKey;
}

/**
 * The environment variables that identify a program. They override its spec's. With a key they include its name, its
 * namespace if it has one, and the fence, which is greater than that of every earlier holder.
 */
export function identityVariables({ id, placement, key }: Omit<Program, 'spec'>): Record<string, string> {
  if (!key) return { SPAWNER_BACKEND_ID: id };
  return {
    SPAWNER_BACKEND_ID: id,
    SPAWNER_KEY: key.name,
    ...(key.namespace === '' ? {} : { SPAWNER_KEY_NAMESPACE: key.namespace }),
    SPAWNER_FENCE: String(placement),
  };
}

export interface Endpoints {
  readonly local: Endpoint;
  readonly network?: Endpoint;
}

export interface ProgramExit {
  /** 128 + n for an end by signal n. Undefined if it is unknown. */
  readonly code?: number;
  readonly outOfMemory: boolean;
}

export type Condition =
  | { readonly is: 'running'; readonly endpoints: Endpoints }
  /** It runs without its network, which was removed from outside. */
  | { readonly is: 'severed' }
  | { readonly is: 'exited'; readonly exit: ProgramExit }
  /** There is no program, or it was never started. */
  | { readonly is: 'absent' };

export interface LogOptions {
  readonly follow: boolean;
  readonly tailLines?: number;
  readonly signal: AbortSignal;
}

/** The use of one program at a moment. */
export type Sample = Omit<BackendStats, 'id' | 'time'>;

/** The stop signal of a program that names none. */
export const STOP_SIGNAL = 'SIGTERM';

/** The detail of a program that ended before its agent saw it run, or before it was ready. */
export const ENDED_EARLY = 'the program ended before it was ready';

/** The detail of a program that has lost its network. */
export const SEVERED = 'its network was removed from outside';

/** The registry, the engine or the drone refuses. The message is for the user, and becomes the end_detail. */
export class RuntimeError extends Error {
  override readonly name = 'RuntimeError';
}
