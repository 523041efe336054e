import { readFileSync } from 'node:fs';

/** Address, port and state of what is established (01) or listens (0A). */
const LINE = /^ *\d+: ([\dA-F]+):([\dA-F]{4}) \S+ (01|0A) /gm;
const LISTENS = '0A';
const EVERY_ADDRESS = /^0+$/;

/**
 * Established connections to every port that has one, from the kernel's tables of one network namespace (`/proc/net/tcp`,
 * `tcp6`; proc(5)): lines `sl local:PORT remote:PORT st …` in hexadecimal. A connection to a port has a listener at its
 * local end; one without is somebody's own that goes out from the same number on another address, and counts only where
 * nobody listens any more, because then the two cannot be told apart.
 */
export function establishedByPort(tables: readonly string[]): Map<number, number> {
  const seen = tables.map(inTable);
  const ports = new Map<number, number>();
  for (const { established, listeners } of seen)
    for (const [port, addresses] of established) {
      const listening = listeners.get(port) ?? [];
      const deserted = !seen.some((table) => table.listeners.has(port));
      const taken = (address: string) =>
        deserted || listening.some((own) => own === address || EVERY_ADDRESS.test(own));
      const count = addresses.filter(taken).length;
      if (count > 0) ports.set(port, (ports.get(port) ?? 0) + count);
    }
  return ports;
}

function inTable(table: string) {
  const [established, listeners] = [new Map<number, string[]>(), new Map<number, string[]>()];
  for (const [, address = '', hex = '', state] of table.matchAll(LINE)) {
    const port = Number.parseInt(hex, 16);
    const ends = state === LISTENS ? listeners : established;
    const known = ends.get(port);
    if (known) known.push(address);
    else ends.set(port, [address]);
  }
  return { established, listeners };
}

/** The same of one port by process directory (`/proc/self`, `/proc/<pid>`); nothing where it cannot be read. */
export function establishedTo(port: number, process: string): number | undefined {
  try {
    const tables = ['tcp', 'tcp6'].map((name) => readFileSync(`${process}/net/${name}`, 'utf8'));
    return establishedByPort(tables).get(port) ?? 0;
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
