import { unusedPort } from '@spawner/service';

const TRIES = 100;

/**
 * Allocates ports for programs that start to listen only later. The kernel offers a port as free until a program listens on
 * it, so it may offer one twice. Two programs with the same port would answer for each other.
 */
export class FreePorts {
  readonly #used = new Map<string, number>();
  readonly #pick: () => Promise<number>;

  constructor(pick: () => Promise<number> = unusedPort) {
    this.#pick = pick;
  }

  /** Returns a port that no other program has, until it is released. */
  async allocate(id: string): Promise<number> {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const port = await this.#pick();
      if ([...this.#used.values()].includes(port)) continue;
      this.#used.set(id, port);
      return port;
    }
    throw new Error('every free port that the kernel offers is allocated to another program');
  }

  /** Marks the port of an adopted program as used. */
  reserve(id: string, port: number): void {
    this.#used.set(id, port);
  }

  release(id: string): void {
    this.#used.delete(id);
  }
}
