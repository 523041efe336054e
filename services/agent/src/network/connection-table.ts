import { readFile } from 'node:fs/promises';
import type { Clock } from '@spawner/domain';
import { establishedByPort } from './established.ts';

/** Calls within this time share one read. */
const GATHERED_FOR_MS = 10;
const TABLES = ['/proc/self/net/tcp', '/proc/self/net/tcp6'];

/**
 * Counts the established connections to a port at a moment after the call, or returns undefined if the kernel cannot be
 * asked. It reads the table of the agent's own network namespace, where the backends of the process runtime are. The table
 * lists every connection of the machine, so backends that are settled at the same time share one read of it.
 */
export function connectionTable(clock: Clock, read: () => Promise<readonly string[]> = readTables) {
  let next: Promise<ReadonlyMap<number, number> | undefined> | undefined;
  const look = async () => {
    await clock.sleep(GATHERED_FOR_MS);
    // Later calls need a later read.
    next = undefined;
    return read().then(establishedByPort, () => undefined);
  };
  return async (port: number): Promise<number | undefined> => {
    next ??= look();
    const ports = await next;
    return ports && (ports.get(port) ?? 0);
  };
}

function readTables(): Promise<string[]> {
  return Promise.all(TABLES.map((table) => readFile(table, 'latin1')));
}
