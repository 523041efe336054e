import type { BackendKey } from '@spawner/proto/v1/backend';

/** An exchange with a program, as the kernel sees it: an established connection. */
export interface Connection {
  /** The program's side is gone. */
  broken(): void;
}

/** A program on a drone. It outlives the agent that started it, and ends with its own exit or its removal. */
export class Container {
  readonly id: string;
  readonly address: string;
  /** The holder of the sandbox that it has joined. Without one the address is its own. */
  readonly holder: string | undefined;
  /** The placement, which with a key is the fence. */
  readonly fence: number;
  readonly key: BackendKey | undefined;
  readonly strict: boolean;
  readonly drone: string;
  readonly connections = new Set<Connection>();
  state: 'created' | 'running' | 'exited' = 'created';
  exitCode = 0;
  /** True time of the last begin or end of a connection. */
  usedAt = 0;
  /** True time from which it answers. */
  answersAt = Number.POSITIVE_INFINITY;

  constructor(parts: Pick<Container, 'id' | 'address' | 'holder' | 'fence' | 'key' | 'strict' | 'drone'>) {
    this.id = parts.id;
    this.address = parts.address;
    this.holder = parts.holder;
    this.fence = parts.fence;
    this.key = parts.key;
    this.strict = parts.strict;
    this.drone = parts.drone;
  }

  exit(code: number): void {
    if (this.state !== 'running') return;
    this.state = 'exited';
    this.exitCode = code;
    this.disconnect();
  }

  /** Every connection breaks. */
  disconnect(): void {
    const open = [...this.connections];
    this.connections.clear();
    for (const connection of open) connection.broken();
  }
}
