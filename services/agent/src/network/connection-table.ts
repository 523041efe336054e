import { readFile } from 'node:fs/promises';
import type { Clock } from '@spawner/domain';
import { establishedByPort } from './established.ts';

/** Who asks within this time is answered from the same look. */
const GATHERED_FOR_MS = 10;
const TABLES = ['/proc/self/net/tcp', '/proc/self/net/tcp6'];

/**
 * The kernel's connections in the agent's own network, where all backends of plain processes are. The table has every
 * connection of the machine, so that those whose ends are settled at the same time share one look at it.
 */
export class ConnectionTable {
  readonly #clock: Clock;
  readonly #read: () => Promise<readonly string[]>;
  #next: Promise<ReadonlyMap<number, number> | undefined> | undefined;

  constructor(clock: Clock, read: () => Promise<readonly string[]> = readTables) {
    this.#clock = clock;
    this.#read = read;
  }

  /** Established connections to this port at some moment after the call; nothing where the kernel cannot be asked. */
  async established(port: number): Promise<number | undefined> {
    this.#next ??= this.#look();
    const ports = await this.#next;
    return ports && (ports.get(port) ?? 0);
  }

  async #look(): Promise<ReadonlyMap<number, number> | undefined> {
    await this.#clock.sleep(GATHERED_FOR_MS);
    // Whoever asks from now on is told of a later moment.
    this.#next = undefined;
    try {
      return establishedByPort(await this.#read());
    } catch {
      return undefined;
    }
  }
}

function readTables(): Promise<string[]> {
  return Promise.all(TABLES.map((table) => readFile(table, 'latin1')));
}
