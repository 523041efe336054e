import { EngineError } from '../world/errors.ts';
import type { World } from '../world/world.ts';

/** The container that keeps the network of a sandbox. It outlives the agent that made it. */
export interface Holder {
  readonly id: string;
  readonly address: string;
  state: 'created' | 'running' | 'exited';
  /** The backend whose container has joined it, now or before. */
  user?: string;
}

/** The holders of one drone's engine. */
export class Holders {
  readonly all = new Map<string, Holder>();
  readonly #drone: string;
  readonly #world: World;
  #made = 0;

  constructor(drone: string, world: World) {
    this.#drone = drone;
    this.#world = world;
  }

  create(address: string): string {
    const id = `${this.#drone}-holder-${++this.#made}`;
    this.all.set(id, { id, address, state: 'created' });
    return id;
  }

  start(id: string): void {
    const holder = this.all.get(id);
    if (!holder) throw new EngineError(`no such container: ${id}`);
    if (holder.state === 'created') holder.state = 'running';
  }

  runs(id: string): boolean {
    return this.all.get(id)?.state === 'running';
  }

  /** A container of the backend is created to join it. A holder that is gone is missed when that starts. */
  join(id: string, backend: string): void {
    const holder = this.all.get(id);
    this.#world.count('sandboxes-taken');
    if (holder?.user !== undefined)
      this.#world.violate('sandbox-use', `${id} is joined by ${backend} after ${holder.user}`);
    if (holder) holder.user = backend;
  }
}
