import type { Clock } from '@spawner/domain';
import type { ProcessIdentity } from '@spawner/service';
import type { Fate } from './process-status.ts';

/**
 * The processes of the proxies that this agent has heard of, looked at now and then, so that of one that died it is known
 * until when it can have let anything through. A proxy's registration belongs to one process.
 */
export class ProxyProcesses {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #fate: (one: ProcessIdentity) => Fate;
  readonly #known = new Map<string, Known>();

  constructor(clock: Pick<Clock, 'now'>, fate: (one: ProcessIdentity) => Fate) {
    this.#clock = clock;
    this.#fate = fate;
  }

  get size(): number {
    return this.#known.size;
  }

  /** A proxy said so itself, or the scheduler told what it had said. One on another machine is not kept. */
  heard(proxyId: string, registration: number, process: ProcessIdentity | undefined): void {
    const name = nameOf(proxyId, registration);
    if (!process || this.#known.has(name)) return;
    const fate = this.#fate(process);
    if (fate === 'unknown') return;
    this.#known.set(name, { process, deadBy: fate === 'dead' ? this.#clock.now() : undefined });
    const [oldest] = this.#known.keys();
    if (this.#known.size > MOST && oldest !== undefined) this.#known.delete(oldest);
  }

  /** Looks at every one that was alive. A few microseconds for each. */
  look(): void {
    for (const known of this.#known.values()) this.#lookAt(known);
  }

  /**
   * An instant of the clock at which the process of this registration was certainly dead, the earliest that is known;
   * nothing while it is alive, and where that cannot be told.
   */
  deadBy(proxyId: string, registration: number): number | undefined {
    const known = this.#known.get(nameOf(proxyId, registration));
    return known && this.#lookAt(known);
  }

  #lookAt(known: Known): number | undefined {
    if (known.deadBy === undefined && this.#fate(known.process) === 'dead') known.deadBy = this.#clock.now();
    return known.deadBy;
  }
}

interface Known {
  readonly process: ProcessIdentity;
  deadBy: number | undefined;
}

/** More registrations than a machine's proxies have in a long time; of one that is forgotten nothing is known. */
const MOST = 200;

function nameOf(proxyId: string, registration: number): string {
  return `${registration} ${proxyId}`;
}
