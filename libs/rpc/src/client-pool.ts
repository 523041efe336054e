import type { Closable } from '@spawner/service';

/** Clients by address, each made on first use. Beyond `most` of them the least recently used is closed. */
export class ClientPool<C extends Closable> {
  readonly #connect: (address: string) => C;
  readonly #most: number;
  /** In order of last use. */
  readonly #clients = new Map<string, C>();

  constructor(connect: (address: string) => C, most: number) {
    this.#connect = connect;
    this.#most = most;
  }

  at(address: string): C {
    const client = this.#clients.get(address) ?? this.#connect(address);
    this.#clients.delete(address);
    this.#clients.set(address, client);
    const [oldest] = this.#clients;
    if (this.#clients.size > this.#most && oldest) {
      oldest[1].close();
      this.#clients.delete(oldest[0]);
    }
    return client;
  }

  close(): void {
    for (const client of this.#clients.values()) client.close();
    this.#clients.clear();
  }
}
