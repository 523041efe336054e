import { readFileSync } from 'node:fs';

const ESTABLISHED = '01';

/**
 * Established connections to a port, from the kernel's tables of one network namespace (`/proc/net/tcp`,
 * proc(5)): lines `sl local:PORT remote:PORT st …` in hexadecimal.
 */
export function countEstablished(table: string, port: number): number {
  const ending = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return table
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local = '', , state]) => state === ESTABLISHED && local.endsWith(ending)).length;
}

const ESTABLISHED_LINE = /^ *\d+: [\dA-F]+:([\dA-F]{4}) \S+ 01 /gm;

/** The same for every port that has one, over several tables. */
export function establishedByPort(tables: readonly string[]): Map<number, number> {
  const ports = new Map<number, number>();
  for (const table of tables)
    for (const [, hex = ''] of table.matchAll(ESTABLISHED_LINE)) {
      const port = Number.parseInt(hex, 16);
      ports.set(port, (ports.get(port) ?? 0) + 1);
    }
  return ports;
}

/** The same by process directory (`/proc/self`, `/proc/<pid>`), IPv4 and IPv6; nothing where it cannot be read. */
export function establishedTo(port: number, process: string): number | undefined {
  try {
    const tables = ['tcp', 'tcp6'].map((name) => readFileSync(`${process}/net/${name}`, 'utf8'));
    return tables.reduce((sum, table) => sum + countEstablished(table, port), 0);
  } catch {
    return undefined;
  }
}

/** Whether a process's network namespace has this IPv4 address as its own; false where it cannot be read. */
export function hasAddress(address: string, process: string): boolean {
  try {
    return ownAddresses(readFileSync(`${process}/net/fib_trie`, 'utf8')).has(address);
  } catch {
    return false;
  }
}

/** The addresses in a routing trie that are the namespace's own: each on a line before its `/32 host LOCAL`. */
export function ownAddresses(trie: string): Set<string> {
  const found = trie.matchAll(/\|-- (\S+)\n\s*\/32 host LOCAL/g);
  return new Set([...found].map(([, address = '']) => address));
}
