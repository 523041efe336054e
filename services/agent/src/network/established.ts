import { procFile } from '../runtime/process/proc.ts';

/** Local address, port and state of sockets that are established (01) or listen (0A). */
const LINE = /^ *\d+: ([\dA-F]+):([\dA-F]{4}) \S+ (01|0A) /gm;
const LISTENS = '0A';
const EVERY_ADDRESS = /^0+$/;

/**
 * Counts the established connections to every port, from the kernel's tables of one network namespace (`/proc/net/tcp`
 * and `tcp6`, proc(5)). Their lines are `sl local:PORT remote:PORT st …`, in hexadecimal. An accepted connection has a
 * listener at its local end. A connection without one is an outgoing connection from the same port on another address. It
 * counts only if the port has no listener any more, because the two cannot be told apart then.
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

/** Counts the connections to one port in a process's namespace. Returns undefined if it cannot be read. */
export function establishedTo(port: number, process: number | 'self'): number | undefined {
  const tables = ['tcp', 'tcp6'].map((name) => procFile(`${process}/net/${name}`));
  return tables.includes(undefined) ? undefined : (establishedByPort(tables as string[]).get(port) ?? 0);
}

/** Whether a process's network namespace has this IPv4 address. Returns false if that cannot be read. */
export function hasAddress(address: string, process: number | 'self'): boolean {
  return ownAddresses(procFile(`${process}/net/fib_trie`) ?? '').has(address);
}

/** The namespace's own addresses in a routing trie. Each is on the line before its `/32 host LOCAL`. */
export function ownAddresses(trie: string): Set<string> {
  const found = trie.matchAll(/\|-- (\S+)\n\s*\/32 host LOCAL/g);
  return new Set([...found].map(([, address = '']) => address));
}
