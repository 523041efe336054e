import type { Clock } from '@spawner/domain';
import type { ProcessIdentity } from '@spawner/service';
import type { ProcessStatus } from './process-status.ts';

/** More registrations than a machine's proxies have in a long time. A forgotten one is as good as unknown. */
const MOST = 200;

interface Known {
  readonly process: ProcessIdentity;
  deadBy: number | undefined;
}

/**
 * The processes of the proxies on this machine. They are checked regularly, so that the agent knows by when a dead proxy
 * can have let a request through. A registration belongs to one process.
 */
export class ProxyProcesses {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #statusOf: (one: ProcessIdentity) => ProcessStatus;
  readonly #known = new Map<string, Known>();

  constructor(clock: Pick<Clock, 'now'>, statusOf: (one: ProcessIdentity) => ProcessStatus) {
    this.#clock = clock;
    this.#statusOf = statusOf;
  }

  get size(): number {
    return this.#known.size;
  }

  /** Adds the process of a registration. A process on another machine is ignored. */
  learn(proxyId: string, registration: number, process: ProcessIdentity | undefined): void {
    const name = nameOf(proxyId, registration);
    if (!process || this.#known.has(name)) return;
    const status = this.#statusOf(process);
    if (status === 'unknown') return;
    this.#known.set(name, { process, deadBy: status === 'dead' ? this.#clock.now() : undefined });
    const [oldest] = this.#known.keys();
    if (this.#known.size > MOST && oldest !== undefined) this.#known.delete(oldest);
  }

  /** Checks every process that was alive. A few microseconds for each. */
  check(): void {
    for (const known of this.#known.values()) this.#check(known);
  }

  /**
   * The earliest known instant at which the process of this registration was certainly dead. Undefined if it is alive or
   * its status cannot be seen.
   */
  deadBy(proxyId: string, registration: number): number | undefined {
    const known = this.#known.get(nameOf(proxyId, registration));
    return known && this.#check(known);
  }

  #check(known: Known): number | undefined {
    if (known.deadBy === undefined && this.#statusOf(known.process) === 'dead')
      known.deadBy = this.#clock.now();
    return known.deadBy;
  }
}

function nameOf(proxyId: string, registration: number): string {
  return `${registration} ${proxyId}`;
}
