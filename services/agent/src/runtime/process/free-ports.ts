import { unusedPort } from '@spawner/service';

const TRIES = 100;

/**
 * Ports for programs that listen a while after they were told theirs. The kernel calls a port free until somebody
 * listens, and would give it out twice; two programs of one port are two sessions of which one answers for the other.
 */
export class FreePorts {
  readonly #held = new Map<string, number>();
  readonly #pick: () => Promise<number>;

  constructor(pick: () => Promise<number> = unusedPort) {
    this.#pick = pick;
  }

  /** One that nobody else holds, until it is released. */
  async give(id: string): Promise<number> {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const port = await this.#pick();
      if ([...this.#held.values()].includes(port)) continue;
      this.#held.set(id, port);
      return port;
    }
    throw new Error('every port that the kernel calls free is promised to another program');
  }

  /** It has this one since an earlier life of the agent. */
  hold(id: string, port: number): void {
    this.#held.set(id, port);
  }

  release(id: string): void {
    this.#held.delete(id);
  }
}
