import type { Bus } from '@spawner/bus';
import { SUBJECTS } from '@spawner/bus';
import { type Clock, DEADLINES } from '@spawner/domain';
import type { Node } from '@spawner/proto/internal/node';
import { type SchedulerServiceService, SettleOutcome } from '@spawner/proto/internal/scheduler_service';
import type { SettleReply } from '@spawner/proto/internal/telemetry';
import { BackendState, EndReason } from '@spawner/proto/v1/backend';
import type { RpcClient } from '@spawner/rpc';
import { type Log, Outage } from '@spawner/service';
import type { Backend } from '../lifecycle/backend.ts';
import type { Drone } from '../lifecycle/drone.ts';
import type { Instruments } from '../metrics.ts';
import { isDue, type Word, whomToAsk } from './idle.ts';
import type { ProxyProcesses } from './proxy-processes.ts';
import { causeOf } from './refused-ends.ts';
import { type Evidence, nobodyUses, settlement, withLastUses } from './settlement.ts';

export interface SettlerParts {
  readonly bus: Pick<Bus, 'ask'>;
  readonly scheduler: Pick<RpcClient<typeof SchedulerServiceService>, 'withdrawRoute' | 'settleRoute'>;
  readonly droneId: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly instruments: Instruments;
  readonly drone: Drone;
  readonly proxies: Pick<ProxyProcesses, 'heard' | 'deadBy'>;
}

/** Each withdraws a route for a while; what is due waits for the next turn. */
const MOST_AT_ONCE = 32;
/** After a try that could not be made. */
const REST_MS = 1_000;
/** What the proxies close on being asked takes a moment to be gone from the kernel's tables. */
const LOOKS = 5;
const LOOK_EVERY_MS = 50;
/** What is connected then may be a use that has begun meanwhile, because a request took the route back: the proxies tell. */
const ROUNDS = 4;

/** Unlike where the kernel cannot be seen at all, what the runtime does not say may be anything. */
class NotLooked extends Error {}

/**
 * Ends backends for idleness, settled and not guessed (ARCHITECTURE.md, "Idle"): the route is withdrawn, the proxies and
 * the kernel are asked, and only what the store then takes for the end is stopped. Whatever fails on the
 * way gives the route back; where even that fails, the scheduler does so when its time is up.
 */
export class Settler {
  readonly #parts: SettlerParts;
  readonly #busy = new Set<string>();
  readonly #restingUntil = new Map<string, number>();
  readonly #outage: Outage;
  #blind = false;

  constructor(parts: SettlerParts) {
    this.#parts = parts;
    this.#outage = new Outage(parts.log, parts.clock, {
      begins: 'ends for idleness cannot be settled',
      ends: 'ends for idleness can be settled again',
    });
  }

  /** Begins with every backend whose clock has run out, as far as there is room. Does not wait for the outcome. */
  turn(): void {
    const { clock, drone } = this.#parts;
    if (drone.registration === 0) return;
    for (const [id, until] of this.#restingUntil) if (clock.now() >= until) this.#restingUntil.delete(id);
    for (const backend of drone.living()) {
      const { id } = backend;
      if (this.#busy.size >= MOST_AT_ONCE) return;
      if (!this.#isDue(backend) || this.#busy.has(id) || this.#restingUntil.has(id)) continue;
      this.#busy.add(id);
      this.#settle(backend)
        .then(() => this.#outage.over())
        .catch((error: unknown) => {
          this.#outage.failed(error, { backend: id });
          backend.refused(`the ${error instanceof NotLooked ? 'runtime' : 'store'} could not be asked`);
          this.#rest(id);
        })
        .finally(() => this.#busy.delete(id));
    }
  }

  async #settle(backend: Backend): Promise<void> {
    const { clock, scheduler, drone, droneId, log } = this.#parts;
    const began = clock.now();
    const { registration } = drone;
    const { withdrawn, epoch, proxies, refusal } = await scheduler.withdrawRoute(
      { droneId, registration, backendId: backend.id },
      { timeoutMs: DEADLINES.settle },
    );
    if (!withdrawn) {
      const because = refusal ?? 'its route could not be withdrawn';
      log.info({ backend: backend.id, because }, 'not ended: its route could not be withdrawn');
      backend.refused(because);
      return this.#rest(backend.id);
    }
    try {
      for (const { id, registration, process } of proxies)
        this.#parts.proxies.heard(id, registration, process);
      const asked = whomToAsk(
        backend.usage,
        proxies.map(({ id }) => id),
        clock.now(),
      );
      const evidence = await this.#gather(backend, epoch, asked, proxies);
      await this.#decide(backend, epoch, asked, evidence, began);
    } catch (error) {
      await this.#tell(backend, epoch, false);
      throw error;
    }
  }

  /** The kernel is asked last: what is dead by then has no connection that it does not tell of. */
  async #gather(
    backend: Backend,
    epoch: number,
    asked: readonly string[],
    listed: readonly Node[],
  ): Promise<Evidence> {
    for (let round = 1; ; round++) {
      const came = await Promise.all(asked.map((proxyId) => this.#ask(proxyId, backend.id, epoch)));
      const deadBy = asked.map((proxyId, index) => {
        const node = listed.find(({ id }) => id === proxyId);
        return this.#deadBy(proxyId, node, backend.usage.words.get(proxyId), came[index]);
      });
      // One that is not registered yet cannot speak for the process that is, unless that is dead.
      const answers = came.map((answer, index) =>
        answer?.unused && answer.registration === 0 && deadBy[index] === undefined ? undefined : answer,
      );
      const told = { answers, deadBy };
      if (!nobodyUses(told)) return { ...told, established: undefined };
      const established = await this.#look(backend).catch((cause) => {
        throw new NotLooked('the runtime could not be asked for connections', { cause });
      });
      if (!established || round === ROUNDS) return { ...told, established };
    }
  }

  /**
   * When the process that cannot tell any more was dead: of a proxy without an answer its own, of one that has begun since the
   * one whose registration it replaced, or will replace.
   */
  #deadBy(
    proxyId: string,
    listed: Node | undefined,
    heard: Word | undefined,
    answer: SettleReply | undefined,
  ): number | undefined {
    const { proxies } = this.#parts;
    const present = Math.max(listed?.registration ?? 0, heard?.registration ?? 0);
    // Who asked after the backend may be a process that is not registered yet, under the same name.
    if (!answer?.activity) return heard?.verified ? undefined : proxies.deadBy(proxyId, present);
    if (!answer.unused) return undefined;
    // One that registers only now has had no part in this backend: the route was withdrawn before.
    const itself = answer.registration === listed?.registration;
    return proxies.deadBy(proxyId, itself ? listed.replacedRegistration : present);
  }

  async #decide(
    backend: Backend,
    epoch: number,
    asked: readonly string[],
    evidence: Evidence,
    began: number,
  ): Promise<void> {
    const { clock, instruments, log } = this.#parts;
    const now = clock.now();
    // What was reported meanwhile stands in the backend's usage.
    const { end, because, usage } = settlement(
      withLastUses(backend.usage, asked, evidence, now),
      evidence,
      backend.life.terms.idleTimeoutMs,
      now,
    );
    const inTime = now - began <= DEADLINES.settlement;
    backend.usage = usage;
    if (!end || !inTime || !this.#isDue(backend)) {
      const silent = asked.filter((_, index) => !evidence.answers[index]);
      log.info({ backend: backend.id, because: inTime ? because : 'late', silent }, 'not ended: in use');
      instruments.settled('use');
      backend.refused(causeOf(inTime ? because : 'late', asked, evidence));
      return this.#tell(backend, epoch, false);
    }
    await this.#tell(backend, epoch, true, began);
  }

  /** Tells the store what is to be, and obeys its answer: somebody else may have been first. */
  async #tell(backend: Backend, epoch: number, end: boolean, began = 0): Promise<void> {
    const { scheduler, instruments, log } = this.#parts;
    const { outcome } = await scheduler.settleRoute(
      { backendId: backend.id, epoch, end },
      { timeoutMs: DEADLINES.settle },
    );
    if (outcome === SettleOutcome.ENDED) {
      instruments.settled('end');
      if (backend.life.status.state === BackendState.READY)
        backend.take({ type: 'stop', reason: EndReason.IDLE, force: false });
    } else if (end) {
      if (outcome !== SettleOutcome.OPEN)
        throw new Error('the store cannot tell what became of a withdrawal');
      // A proxy gave it back for a request, since the withdrawal; when that was over the proxy will tell.
      log.info({ backend: backend.id, because: 'request' }, 'not ended: a request came meanwhile');
      instruments.settled('use');
      backend.refused('a request came meanwhile');
      backend.usage = { ...backend.usage, activeAt: Math.max(backend.usage.activeAt, began) };
    }
  }

  async #ask(proxyId: string, id: string, epoch: number): Promise<SettleReply | undefined> {
    try {
      return await this.#parts.bus.ask(SUBJECTS.settle, proxyId, { id, epoch }, DEADLINES.settle);
    } catch {
      return undefined;
    }
  }

  /** What the kernel says when it says "none", or at last. */
  async #look(backend: Backend): Promise<number | undefined> {
    const { drone, clock, log } = this.#parts;
    for (let look = 1; ; look++) {
      const established = await drone.runtime.established(backend.id);
      if (established === undefined && !this.#blind) {
        this.#blind = true;
        log.warn(
          { backend: backend.id },
          "the kernel's connections cannot be seen from here; ends rest on the proxies' word alone",
        );
      }
      if (!established || look === LOOKS) return established;
      await clock.sleep(LOOK_EVERY_MS);
    }
  }

  #rest(id: string): void {
    this.#restingUntil.set(id, this.#parts.clock.now() + REST_MS);
  }

  #isDue({ life, usage }: Backend): boolean {
    if (life.status.state !== BackendState.READY) return false;
    return isDue(usage, life.terms.idleTimeoutMs, this.#parts.clock.now());
  }
}
