import { readFile } from 'node:fs/promises';
import type { Clock } from '@spawner/domain';
import { establishedByPort } from './established.ts';

/** Calls within this time share one read. */
const GATHERED_FOR_MS = 10;
const TABLES = ['/proc/self/net/tcp', '/proc/self/net/tcp6'];

/**
 * The kernel's connections in the agent's own network namespace, where the backends of the process runtime are. The table
 * lists every connection of the machine, so backends that are settled at the same time share one read of it.
 */
export class ConnectionTable {
  readonly #clock: Clock;
  readonly #read: () => Promise<readonly string[]>;
  #next: Promise<ReadonlyMap<number, number> | undefined> | undefined;

  constructor(clock: Clock, read: () => Promise<readonly string[]> = readTables) {
    this.#clock = clock;
    this.#read = read;
  }

  /** Established connections to this port at a moment after the call. Returns undefined if the kernel cannot be asked. */
  async established(port: number): Promise<number | undefined> {
    this.#next ??= this.#look();
    const ports = await this.#next;
    return ports && (ports.get(port) ?? 0);
  }

  async #look(): Promise<ReadonlyMap<number, number> | undefined> {
    await this.#clock.sleep(GATHERED_FOR_MS);
    // Later calls need a later read.
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
