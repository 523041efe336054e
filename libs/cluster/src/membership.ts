import { type Clock, DEADLINES } from '@spawner/domain';
import type { BackendStatus, InventoryEntry } from '@spawner/proto/internal/backend_status';
import type { Node } from '@spawner/proto/internal/node';
import {
  type ProxyList,
  type RenewNodeResponse,
  RenewVerdict,
  SchedulerServiceService,
  type StartLoad,
  type StopOrder,
} from '@spawner/proto/internal/scheduler_service';
import { createClient, type RpcClient } from '@spawner/rpc';
import { type Log, Outage } from '@spawner/service';

const WOKEN = new Error('woken');

/** A node as its membership sees it. Only drones have backends; other nodes leave the optional members out. */
export interface Member {
  readonly node: Node;
  /** All backends in the node's journal, for a registration. */
  inventory?(): InventoryEntry[];
  /** The highest placement tick that this node was ever given, for a registration. */
  highestPlacement?(): number;
  /** Reports that the scheduler has not acknowledged yet, for a renewal. */
  changed?(): BackendStatus[];
  /** A drone's starts as they are now, for a renewal. */
  starts?(): StartLoad;
  /** The scheduler has stored these reports. A later report of the same backend has a higher revision. */
  acknowledged?(reports: readonly BackendStatus[]): void;
  /** The scheduler answered a registration or renewal that was sent at this time of the node's clock. */
  renewed?(sentAt: number): void;
  /** The store has recorded that these backends ended; the node may forget them. */
  ended?(ids: readonly string[]): void;
  /** Backends that must stop. The scheduler repeats an order until the end has been reported. */
  stop?(orders: readonly StopOrder[]): void;
}

export type SchedulerClient = RpcClient<typeof SchedulerServiceService>;

/** A client of the scheduler. An address that resolves to several schedulers spreads the calls over them. */
export function schedulerAt(address: string): SchedulerClient {
  return createClient(SchedulerServiceService, address);
}

/**
 * Keeps a node in the cluster. It registers with the scheduler, then renews every 2 s and immediately after `kick`.
 * If the scheduler does not know the registration, the node registers again with its whole inventory.
 */
export class Membership {
  readonly scheduler: SchedulerClient;
  readonly #member: Member;
  readonly #clock: Clock;
  readonly #log: Log;
  #registration = 0;
  /** The sequence of the latest registration known to have been sent, by this process or a predecessor. */
  #registering = 0;
  #renewedAt: number | undefined;
  #proxies: ProxyList = { version: 0, proxies: [] };
  #wake: (() => void) | undefined;
  #kicked = false;

  /** Owns the client: `close` closes it. */
  constructor(scheduler: SchedulerClient, member: Member, clock: Clock, log: Log) {
    this.scheduler = scheduler;
    this.#member = member;
    this.#clock = clock;
    this.#log = log;
  }

  /** The tick of the current registration; 0 before the first. */
  get registration(): number {
    return this.#registration;
  }

  /** The cluster's proxies, as of the last answer that listed them. */
  get proxies(): readonly Node[] {
    return this.#proxies.proxies;
  }

  /** Milliseconds since the last answered renewal was sent; infinite before the first. */
  get renewalAge(): number {
    return this.#renewedAt === undefined ? Number.POSITIVE_INFINITY : this.#clock.now() - this.#renewedAt;
  }

  /** A readiness condition for the runner. */
  waitingFor(): string | undefined {
    return this.#registration === 0 ? 'the scheduler to register with' : undefined;
  }

  /** Renews without waiting for the next interval. */
  kick(): void {
    this.#kicked = true;
    this.#wake?.();
  }

  /**
   * Registers and renews until the signal aborts. After a failure it tries again in a quarter of the interval. The first two
   * attempts come sooner, because the scheduler of a cluster that starts as a whole may be the last to listen.
   */
  async run(signal: AbortSignal): Promise<void> {
    const outage = new Outage(this.#log, this.#clock, {
      begins: 'the scheduler does not answer',
      ends: 'the scheduler answers again',
    });
    let failures = 0;
    while (!signal.aborted) {
      this.#kicked = false;
      try {
        if (this.#registration === 0) await this.#register(signal);
        else await this.#renew(signal);
        outage.over();
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        outage.failed(error);
        failures += 1;
        this.#kicked = false;
      }
      if (!this.#kicked) await this.#pause(pauseAfter(failures), signal);
    }
  }

  close(): void {
    this.scheduler.close();
  }

  async #register(signal: AbortSignal): Promise<void> {
    const inventory = this.#member.inventory?.() ?? [];
    const sentAt = this.#clock.now();
    const request = {
      node: this.#member.node,
      inventory,
      highestPlacement: this.#member.highestPlacement?.() ?? 0,
      sequence: this.#member.inventory && this.#nextRegistering(),
    };
    const answer = await this.scheduler.registerNode(request, { signal });
    if (answer.overtakenBy !== undefined) {
      this.#registering = Math.max(answer.overtakenBy, this.#registering);
      this.#kicked = true;
      return;
    }
    this.#registration = answer.registration;
    this.#renewedAt = sentAt;
    this.#member.renewed?.(sentAt);
    this.#log.info({ registration: answer.registration, backends: inventory.length }, 'registered');
    const reported = inventory.flatMap(({ status }) => status ?? []);
    this.#take(answer, reported);
  }

  /** Wall-clock milliseconds, so that a restarted process continues above its predecessor; grows even if that clock is set back. */
  #nextRegistering(): number {
    this.#registering = Math.max(this.#registering + 1, this.#clock.wall().getTime());
    return this.#registering;
  }

  async #renew(signal: AbortSignal): Promise<void> {
    const changed = this.#member.changed?.() ?? [];
    const sentAt = this.#clock.now();
    const { kind, id } = this.#member.node;
    const registration = this.#registration;
    const starts = this.#member.starts?.();
    const request = { kind, id, registration, changed, proxiesVersion: this.#proxies.version, starts };
    const answer = await this.scheduler.renewNode(request, { signal });
    if (answer.verdict === RenewVerdict.REGISTER) {
      this.#log.warn('the scheduler does not know this registration; registering again');
      this.#registration = 0;
      this.#kicked = true;
      return;
    }
    this.#renewedAt = sentAt;
    this.#member.renewed?.(sentAt);
    this.#take(answer, changed);
  }

  /** Applies stop orders before acknowledgements: an acknowledged report may start a backend, and a stopped one must not start. */
  #take(
    answer: Pick<RenewNodeResponse, 'stops' | 'proxies' | 'ended'>,
    reported: readonly BackendStatus[],
  ): void {
    if (answer.proxies) this.#proxies = answer.proxies;
    if (answer.stops.length > 0) this.#member.stop?.(answer.stops);
    this.#member.acknowledged?.(reported);
    this.#member.ended?.(answer.ended);
  }

  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const woken = new AbortController();
    const wake = () => woken.abort(WOKEN);
    this.#wake = wake;
    // AbortSignal.any would leak: its waiters live as long as the program's own signal.
    signal.addEventListener('abort', wake);
    await this.#clock.sleep(ms, woken.signal).catch(() => {});
    signal.removeEventListener('abort', wake);
    this.#wake = undefined;
  }
}

function pauseAfter(failures: number): number {
  const { renewEvery } = DEADLINES;
  return failures === 0 ? renewEvery : Math.min(renewEvery / 4, (renewEvery / 32) * 2 ** failures);
}
