import type { Bus } from '@spawner/bus';
import { SUBJECTS } from '@spawner/bus';
import { type Clock, DEADLINES } from '@spawner/domain';
import { type Node, NodeKind } from '@spawner/proto/internal/node';
import type { ProxyActivity } from '@spawner/proto/internal/telemetry';
import { BackendState, EndReason } from '@spawner/proto/v1/backend';
import type { Log } from '@spawner/service';
import type { Backend } from './backend.ts';
import type { Drone } from './drone.ts';
import { isDue, settle, whomToAsk } from './idle.ts';
import type { Instruments } from './instruments.ts';

export interface SettlerParts {
  readonly bus: Pick<Bus, 'ask'>;
  readonly droneId: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly instruments: Instruments;
  readonly drone: Drone;
}

/** Ends backends for idleness: never by the clock alone where a proxy might know better. */
export class Settler {
  readonly #parts: SettlerParts;
  readonly #asking = new Set<string>();

  constructor(parts: SettlerParts) {
    this.#parts = parts;
  }

  /** Asks about every backend whose clock has run out. Does not wait for the answers. */
  turn(): void {
    const { proxies } = this.#parts.drone;
    if (!proxies) return;
    for (const backend of this.#parts.drone.living()) {
      if (!this.#isDue(backend) || this.#asking.has(backend.id)) continue;
      this.#asking.add(backend.id);
      this.#settle(backend, proxies)
        .catch((error: unknown) => this.#parts.log.warn({ error, backend: backend.id }, 'settling failed'))
        .finally(() => this.#asking.delete(backend.id));
    }
  }

  async #settle(backend: Backend, proxies: readonly Node[]): Promise<void> {
    const { clock, instruments, log } = this.#parts;
    const asked = whomToAsk(backend.usage, this.#reaching(backend, proxies), clock.now());
    const answers = await Promise.all(asked.map((proxyId) => this.#ask(proxyId, backend.id)));
    // What was reported meanwhile stands in the backend's usage.
    const { end, usage } = settle(backend.usage, answers, backend.life.terms.idleTimeoutMs, clock.now());
    backend.usage = usage;
    instruments.settled(end ? 'end' : 'use');
    const silent = asked.filter((_, index) => !answers[index]);
    if (silent.length > 0)
      log.warn({ backend: backend.id, proxies: silent }, 'no answer; it counts as in use');
    if (end && backend.life.status.state === BackendState.READY)
      backend.take({ type: 'stop', reason: EndReason.IDLE, force: false });
  }

  async #ask(proxyId: string, id: string): Promise<ProxyActivity | undefined> {
    try {
      const { activity } = await this.#parts.bus.ask(SUBJECTS.settle, proxyId, { id }, DEADLINES.settle);
      return activity;
    } catch {
      return undefined;
    }
  }

  #isDue({ life, usage }: Backend): boolean {
    if (life.status.state !== BackendState.READY) return false;
    return isDue(usage, life.terms.idleTimeoutMs, this.#parts.clock.now());
  }

  /** A route is LOCAL to this drone's own proxies unless its port is published. */
  #reaching({ life }: Backend, proxies: readonly Node[]): string[] {
    return proxies
      .filter(({ kind }) => kind === NodeKind.PROXY || kind === NodeKind.UNSPECIFIED)
      .filter(({ droneId }) => droneId === this.#parts.droneId || life.status.network !== undefined)
      .map(({ id }) => id);
  }
}
