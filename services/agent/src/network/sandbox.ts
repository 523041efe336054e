import type { Endpoint } from '@spawner/proto/internal/backend_status';

/**
 * A network namespace with an address and a link, made ahead. A started container without a program of a backend, its
 * holder, keeps it. One program joins it at most.
 */
export interface Sandbox {
  /** The holder's id. */
  readonly id: string;
  readonly address: string;
  /** The endpoint at which other machines reach its usual port. */
  readonly published?: Endpoint;
}

export interface FoundSandbox extends Sandbox {
  /** Whether the holder runs and has an address of the drone's network. */
  readonly usable: boolean;
  /** Whether it was made with the present settings. */
  readonly current: boolean;
  /** The backend whose container has joined it, running or not. */
  readonly joinedBy?: string;
}

/** The runtime's calls for sandboxes of this drone. */
export interface SandboxApi {
  /** Makes a sandbox. Returns undefined if few addresses are free. Rejects if the runtime refuses or is away. */
  make(): Promise<Sandbox | undefined>;
  /** Removes a sandbox, and lets its address rest. Succeeds if it is gone already. */
  remove(sandbox: Sandbox): Promise<void>;
  /** Every sandbox of this drone. */
  list(): Promise<FoundSandbox[]>;
  /** A sandbox of an earlier agent is known from now on, so its address is in use. */
  adopt(sandbox: Sandbox): void;
}
