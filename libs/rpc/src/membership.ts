import { type Clock, DEADLINES, isAppError } from '@spawner/domain';
import type { BackendStatus, InventoryEntry } from '@spawner/proto/internal/backend_status';
import type { Node } from '@spawner/proto/internal/node';
import {
  type ProxyList,
  type RenewNodeResponse,
  RenewVerdict,
  SchedulerServiceService,
  type StopOrder,
} from '@spawner/proto/internal/scheduler_service';
import { type Log, Outage } from '@spawner/service';
import { createClient, type RpcClient } from './client.ts';

const WOKEN = new Error('woken');

/** What a node brings to its membership. Only drones have backends; the others leave these out. */
export interface Member {
  readonly node: Node;
  /** Everything the node's journal holds, for a registration. */
  inventory?(): InventoryEntry[];
  /** The highest placement that it was ever given, for a registration. */
  highestPlacement?(): number;
  /** What changed since it was last acknowledged, for a renewal. */
  changed?(): BackendStatus[];
  /** These reports have arrived: a later one of the same backend has a higher revision. */
  acknowledged?(reports: readonly BackendStatus[]): void;
  /** A registration or renewal that was sent at this instant of the node's clock has been answered. */
  renewed?(sentAt: number): void;
  /** Ends that stand in the store; their records may be forgotten. */
  ended?(ids: readonly string[]): void;
  /** Wanted ends; repeated until they are reported. */
  stop?(orders: readonly StopOrder[]): void;
}

export type SchedulerClient = RpcClient<typeof SchedulerServiceService>;

/** Calls of the scheduler at an address, or of whichever of several answers. */
export function schedulerAt(address: string): SchedulerClient {
  return createClient(SchedulerServiceService, address);
}

/**
 * A node's place in the cluster: registers with the scheduler, then renews every 2 s and at once
 * after `kick`. A scheduler that does not know the registration is told everything again.
 */
export class Membership {
  readonly scheduler: SchedulerClient;
  readonly #member: Member;
  readonly #clock: Clock;
  readonly #log: Log;
  #registration = 0;
  #sequence = 0;
  /** Of the registration that was sent last, by this process or, as the scheduler told, by one before it. */
  #registering = 0;
  #renewedAt: number | undefined;
  #proxies: ProxyList = { version: 0, proxies: [] };
  #wake: (() => void) | undefined;
  #kicked = false;

  /** The client is closed with it. */
  constructor(scheduler: SchedulerClient, member: Member, clock: Clock, log: Log) {
    this.scheduler = scheduler;
    this.#member = member;
    this.#clock = clock;
    this.#log = log;
  }

  /** The present registration's tick; 0 before the first. */
  get registration(): number {
    return this.#registration;
  }

  /** The proxies of the cluster, as last heard. */
  get proxies(): readonly Node[] {
    return this.#proxies.proxies;
  }

  /** Milliseconds since the send of the last answered renewal; infinite before the first. */
  get renewalAge(): number {
    return this.#renewedAt === undefined ? Number.POSITIVE_INFINITY : this.#clock.now() - this.#renewedAt;
  }

  /** A condition of readiness for the runner. */
  waitingFor(): string | undefined {
    return this.#registration === 0 ? 'the scheduler to register with' : undefined;
  }

  /** Renew now: something changed that the scheduler should hear of at once. */
  kick(): void {
    this.#kicked = true;
    this.#wake?.();
  }

  /** Registers and renews until the signal aborts. Failures are retried at the next renewal's time. */
  async run(signal: AbortSignal): Promise<void> {
    const outage = new Outage(this.#log, this.#clock, {
      begins: 'the scheduler does not answer',
      ends: 'the scheduler answers again',
    });
    while (!signal.aborted) {
      this.#kicked = false;
      let failing = false;
      try {
        if (this.#registration === 0) await this.#register(signal);
        else await this.#renew(signal);
        outage.over();
      } catch (error) {
        if (signal.aborted) return;
        outage.failed(error);
        failing = true;
        this.#kicked = false;
      }
      if (!this.#kicked) await this.#pause(failing ? DEADLINES.renewEvery / 4 : DEADLINES.renewEvery, signal);
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
    this.#sequence = 0;
    this.#renewedAt = sentAt;
    this.#member.renewed?.(sentAt);
    this.#log.info({ registration: answer.registration, backends: inventory.length }, 'registered');
    this.#take(
      answer,
      inventory.flatMap(({ status }) => (status ? [status] : [])),
    );
  }

  /** The wall's milliseconds, so that it goes on where the process before left it; it grows though that clock is set back. */
  #nextRegistering(): number {
    this.#registering = Math.max(this.#registering + 1, this.#clock.wall().getTime());
    return this.#registering;
  }

  async #renew(signal: AbortSignal): Promise<void> {
    const changed = this.#member.changed?.() ?? [];
    const sentAt = this.#clock.now();
    const { kind, id } = this.#member.node;
    const answer = await this.scheduler.renewNode(
      {
        kind,
        id,
        registration: this.#registration,
        sequence: ++this.#sequence,
        changed,
        proxiesVersion: this.#proxies.version,
      },
      { signal },
    );
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

  /** Stop orders come first: what is to be stopped is not to be started because its report was heard. */
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
    // Not AbortSignal.any: what waits for one stays for as long as the program's own signal.
    signal.addEventListener('abort', wake);
    await this.#clock.sleep(ms, woken.signal).catch(() => {});
    signal.removeEventListener('abort', wake);
    this.#wake = undefined;
  }
}

/** Whether a call failed because nobody was there to take it. */
export function isUnavailable(error: unknown): boolean {
  return isAppError(error, 'unavailable', 'deadline', 'cancelled');
}
