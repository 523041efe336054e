import { type Start, StartQueue } from '../../../services/agent/src/lifecycle/start-queue.ts';
import type { World } from '../world/world.ts';

interface Entered {
  readonly lane: string | undefined;
  readonly placement: number;
  /** The number of admissions before it came. */
  readonly after: number;
}

/**
 * The start queue of one agent, held to invariant `queue-order` at every step:
 *
 * - Places go to the front of the order that the queue told, one after the other.
 * - Nothing is passed over within its namespace by a later spawn. No namespace is served twice while another one waits.
 * - A position grows only by the starts that came in front of it since. An earlier spawn of its own namespace, which comes late
 *   after a restart, takes its turn too: then each other namespace may have one more turn before it.
 */
export class WatchedStarts extends StartQueue {
  readonly #world: World;
  readonly #entered = new Map<string, Entered>();
  /** The number of the last admission of each namespace. */
  readonly #served = new Map<string | undefined, number>();
  #admissions = 0;
  /** Starts that have kept their place over a restart of the agent. */
  readonly #kept = new Set<string>();
  /** The order after the last step. */
  #told: readonly string[] = [];

  constructor(world: World, options: ConstructorParameters<typeof StartQueue>[0]) {
    super(options);
    this.#world = world;
  }

  override resume(admitted: readonly string[], waited: readonly string[]): void {
    super.resume(admitted, waited);
    for (const id of admitted) this.#kept.add(id);
  }

  override enter(start: Start, signal: AbortSignal): Promise<void> {
    const { id, placement, key } = start;
    const before = this.#order();
    const entering = super.enter(start, signal);
    if (this.#kept.delete(id)) return entering;
    this.#entered.set(id, { lane: key?.namespace, placement, after: this.#admissions });
    const order = this.#order();
    this.#checkPositions(order);
    // It may be the last of those for which all others have waited.
    for (const each of [...before, id]) if (!order.includes(each)) this.#admitted(each, order);
    return entering;
  }

  override leave(id: string): void {
    const before = this.#order();
    super.leave(id);
    const order = this.#order();
    const admitted = before.slice(0, before.length - order.length);
    if (before.slice(admitted.length).join() !== order.join())
      this.#violate(`the order was ${before}, and after the next places ${order}`);
    for (const [at, each] of admitted.entries()) this.#admitted(each, before.slice(at + 1));
    this.#checkPositions(order);
  }

  #order(): string[] {
    return this.order().map(({ id }) => id);
  }

  /** `waiting` waits while this one gets its place. */
  #admitted(id: string, waiting: readonly string[]): void {
    const one = this.#entered.get(id);
    this.#entered.delete(id);
    if (!one) return;
    const served = this.#served.get(one.lane) ?? 0;
    for (const other of waiting) {
      const left = this.#entered.get(other);
      if (!left) continue;
      if (left.lane === one.lane && left.placement < one.placement)
        this.#violate(`${id} got a place before ${other}, an earlier spawn of its namespace`);
      if (left.lane !== one.lane && left.after < served && (this.#served.get(left.lane) ?? 0) < served)
        this.#violate(`the namespace of ${id} was served twice while ${other} of another one waited`);
    }
    this.#served.set(one.lane, ++this.#admissions);
  }

  #checkPositions(order: readonly string[]): void {
    const before = new Map(this.#told.map((id, at) => [id, at]));
    const laneOf = (id: string) => this.#entered.get(id)?.lane;
    const lanes = new Set(order.map(laneOf)).size;
    const came: string[] = [];
    for (const [at, id] of order.entries()) {
      const was = before.get(id);
      if (was === undefined) {
        came.push(id);
        continue;
      }
      const own = came.filter((each) => laneOf(each) === laneOf(id)).length;
      if (at > was + came.length + own * (lanes - 1))
        this.#violate(`${id} fell from ${was + 1} to ${at + 1}, and only ${came.length} came before it`);
    }
    this.#told = order;
  }

  #violate(message: string): void {
    this.#world.violate('queue-order', message);
  }
}
