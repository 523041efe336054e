import { type Bus, SUBJECTS } from '@spawner/bus';
import type { Clock } from '@spawner/domain';
import { BackendState } from '@spawner/proto/v1/backend';
import { LogStream } from '@spawner/proto/v1/backend_service';
import type { Log } from '@spawner/service';
import type { Backend } from '../lifecycle/backend.ts';
import type { Drone } from '../lifecycle/drone.ts';
import { hasEnded, isRunning } from '../lifecycle/life.ts';
import { LineAllowance } from './line-allowance.ts';
import { untilEnded } from './until-ended.ts';

interface BusLogParts {
  readonly bus: Bus;
  readonly drone: Pick<Drone, 'runtime'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Publishes the lines of every program over NATS, for a collector of logs. A backend that writes too much loses lines. */
export class BusLog {
  readonly #parts: BusLogParts;
  readonly #closing: AbortSignal;
  readonly #followed = new Set<string>();

  /** Ends when `closing` aborts. */
  constructor(parts: BusLogParts, closing: AbortSignal) {
    this.#parts = parts;
    this.#closing = closing;
  }

  /** Called after each change of the backend's state. */
  attach(backend: Backend): void {
    const { id, life } = backend;
    if (hasEnded(life)) this.#followed.delete(id);
    if (!isRunning(life) || this.#followed.has(id)) return;
    this.#followed.add(id);
    // The earlier lines of an adopted backend were published by the agent before this one.
    const first = life.status.state === BackendState.WAITING ? undefined : 0;
    // The lines end with the program, so that the last ones are published too.
    const follow = (again: boolean) => this.#publish(id, again ? 0 : first);
    void untilEnded(backend, 'log', this.#parts, this.#closing, follow);
  }

  async #publish(id: string, tailLines: number | undefined): Promise<void> {
    const { bus, drone, clock } = this.#parts;
    const allowance = new LineAllowance(clock.now());
    for await (const line of drone.runtime.logs(id, { follow: true, tailLines, signal: this.#closing })) {
      const { passes, leftOut } = allowance.take(clock.now());
      if (!passes) continue;
      if (leftOut > 0) {
        const text = `${leftOut} lines were left out`;
        bus.publish(SUBJECTS.backendLog, id, { id, line: { stream: LogStream.STDERR, text } });
      }
      bus.publish(SUBJECTS.backendLog, id, { id, line });
    }
  }
}
