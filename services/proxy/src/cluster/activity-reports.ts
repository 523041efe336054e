import { type Bus, SUBJECTS } from '@spawner/bus';
import { type Clock, DEADLINES } from '@spawner/domain';
import type { ProcessIdentity } from '@spawner/service';
import type { ActiveRequests } from '../routing/active-requests.ts';
import type { HoldQueue } from '../routing/hold-queue.ts';
import { TIMEOUTS } from '../timeouts.ts';

/** An end is reported three times, because a message may be lost. */
const TOLD_FOR_MS = DEADLINES.activityFresh;

export interface ReportsParts {
  proxyId: string;
  bus: Bus;
  requests: ActiveRequests;
  holds: HoldQueue;
  clock: Clock;
  /** This process; undefined if its system does not say. */
  process: ProcessIdentity | undefined;
  registration(): number;
}

/**
 * Reports the active requests of their backends (ARCHITECTURE.md, "Idle") to agents over the bus, once a second. It answers
 * agents that ask before an idle shutdown, and tells them of a backend that could not be reached. It continues while the
 * proxy drains, until it is closed.
 */
export class Reports {
  readonly #parts: ReportsParts;
  readonly #over = new AbortController();
  readonly #answering: { close(): void };
  readonly #turning: Promise<void>;
  readonly #looks = new Map<string, number>();

  /** `asked` is called before each question is answered. From then on no new request may pass. */
  constructor(parts: ReportsParts, asked: (id: string, epoch: number) => void) {
    const { proxyId, bus, requests, holds, clock, registration } = parts;
    this.#parts = parts;
    this.#answering = bus.answer(SUBJECTS.settle, proxyId, ({ id, epoch }) => {
      asked(id, epoch);
      return {
        activity: requests.of(id, clock.now()),
        held: holds.count(id),
        registration: registration(),
        unused: requests.isUnused(id),
      };
    });
    this.#turning = this.#turn();
  }

  /** Asks the backend's agent to look at it. */
  look(id: string): void {
    const { bus, clock } = this.#parts;
    const now = clock.now();
    if (now - (this.#looks.get(id) ?? Number.NEGATIVE_INFINITY) < TIMEOUTS.lookEvery) return;
    this.#looks.set(id, now);
    bus.publish(SUBJECTS.backendLook, id, { id, objection: '' });
  }

  /** Tells the backend's agent why an answer could not be forwarded, for its explanation. */
  unforwardable(id: string, objection: string): void {
    this.#parts.bus.publish(SUBJECTS.backendLook, id, { id, objection });
  }

  async close(): Promise<void> {
    this.#over.abort(new Error('the proxy is closing'));
    await this.#turning;
    this.#report();
    this.#answering.close();
  }

  async #turn(): Promise<void> {
    const { signal } = this.#over;
    while (!signal.aborted) {
      this.#report();
      const now = this.#parts.clock.now();
      for (const [id, at] of this.#looks) if (now - at >= TIMEOUTS.lookEvery) this.#looks.delete(id);
      await this.#parts.clock.sleep(DEADLINES.activityReport, signal).catch(() => {});
    }
  }

  #report(): void {
    const { proxyId, bus, requests, clock, process } = this.#parts;
    const about = { proxyId, registration: this.#parts.registration(), process };
    for (const [droneId, backends] of requests.report(clock.now(), TOLD_FOR_MS))
      bus.publish(SUBJECTS.activity, droneId, { ...about, backends });
  }
}
