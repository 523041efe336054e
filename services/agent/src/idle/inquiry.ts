import { type Bus, SUBJECTS } from '@spawner/bus';
import { type Clock, DEADLINES } from '@spawner/domain';
import type { Node } from '@spawner/proto/internal/node';
import type { SettleReply } from '@spawner/proto/internal/telemetry';
import type { Log } from '@spawner/service';
import type { Backend } from '../lifecycle/backend.ts';
import type { Drone } from '../lifecycle/drone.ts';
import type { ProxyProcesses } from './proxy-processes.ts';
import { type Evidence, noProxyUses } from './settlement.ts';
import { type Testimony, testify } from './testimony.ts';
import { proxiesToAsk } from './usage.ts';

export interface InquiryParts {
  readonly bus: Pick<Bus, 'ask'>;
  readonly drone: Drone;
  readonly proxies: Pick<ProxyProcesses, 'learn' | 'deadBy'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** A proxy closes its kept connections when it is asked. They take a moment to leave the kernel's tables. */
const LOOKS = 5;
const LOOK_EVERY_MS = 50;
/** A connection that remains may belong to a request that resumed the route meanwhile, so the proxies are asked again. */
const ROUNDS = 4;

/** The runtime did not answer. Unlike a kernel that cannot be asked at all, this may hide a connection. */
export class RuntimeUnavailable extends Error {}

/** Asks the proxies, then the kernel, whether a backend is in use. */
export class Inquiry {
  readonly #parts: InquiryParts;
  #blind = false;

  constructor(parts: InquiryParts) {
    this.#parts = parts;
  }

  /**
   * Collects the evidence for one suspension of the route. The kernel is asked last, so that no process that is dead by
   * then can hide a connection. Throws RuntimeUnavailable.
   */
  async gather(backend: Backend, epoch: number, listed: readonly Node[]): Promise<Evidence> {
    for (const { id, registration, process } of listed) this.#parts.proxies.learn(id, registration, process);
    const reaching = listed.map(({ id }) => id);
    const asked = proxiesToAsk(backend.usage, reaching, this.#parts.clock.now());
    for (let round = 1; ; round++) {
      const testimonies = await this.#askProxies(backend, epoch, asked, listed);
      if (!noProxyUses(testimonies)) return { testimonies, established: undefined };
      const established = await this.#askKernel(backend).catch((cause) => {
        throw new RuntimeUnavailable('the runtime could not be asked for connections', { cause });
      });
      if (!established || round === ROUNDS) return { testimonies, established };
    }
  }

  async #askProxies(
    backend: Backend,
    epoch: number,
    asked: readonly string[],
    listed: readonly Node[],
  ): Promise<Testimony[]> {
    const { proxies } = this.#parts;
    const deadBy = proxies.deadBy.bind(proxies);
    const replies = await Promise.all(asked.map((proxyId) => this.#ask(proxyId, backend.id, epoch)));
    return asked.map((proxyId, index) => {
      const node = listed.find(({ id }) => id === proxyId);
      const report = backend.usage.reports.get(proxyId);
      return testify({ proxyId, reply: replies[index], listed: node, report }, deadBy);
    });
  }

  async #ask(proxyId: string, id: string, epoch: number): Promise<SettleReply | undefined> {
    try {
      return await this.#parts.bus.ask(SUBJECTS.settle, proxyId, { id, epoch }, DEADLINES.settle);
    } catch {
      return undefined;
    }
  }

  /** Returns the connections that are still established after the last look. Undefined if the kernel cannot be asked. */
  async #askKernel(backend: Backend): Promise<number | undefined> {
    const { drone, clock, log } = this.#parts;
    for (let look = 1; ; look++) {
      const established = await drone.runtime.established(backend.id);
      if (established === undefined && !this.#blind) {
        this.#blind = true;
        log.warn(
          { backend: backend.id },
          "the kernel's connections cannot be seen from here; idle shutdown rests on the proxies' answers alone",
        );
      }
      if (!established || look === LOOKS) return established;
      await clock.sleep(LOOK_EVERY_MS);
    }
  }
}
