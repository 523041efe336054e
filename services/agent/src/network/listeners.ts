import { procFile } from '../runtime/process/proc.ts';

/** Local address and port of a socket that listens (0A), in a line of the kernel's tables (proc(5)). */
const LISTENS = /^ *\d+: ([\dA-F]{8}|[\dA-F]{32}):([\dA-F]{4}) \S+ 0A /gm;
/** Docker's own resolver, in every container of a network that is not its default one. */
const RESOLVER = '127.0.0.11';

/** The addresses at which programs listen in a process's network namespace. Returns undefined if they cannot be read. */
export function listenersOf(process: number): string[] | undefined {
  const tables = ['tcp', 'tcp6'].map((name) => procFile(`${process}/net/${name}`));
  return tables.includes(undefined) ? undefined : listenersIn(tables as string[]);
}

/** The same from the text of the tables: `127.0.0.1:3000` or `[::1]:3000`, by port. */
export function listenersIn(tables: readonly string[]): string[] {
  const found = tables.flatMap((table) =>
    [...table.matchAll(LISTENS)].map(([, address = '', port = '']) => ({
      address: readable(address),
      port: Number.parseInt(port, 16),
    })),
  );
  const own = found.filter(({ address }) => address !== RESOLVER).sort((one, other) => one.port - other.port);
  return [...new Set(own.map(({ address, port }) => `${address}:${port}`))];
}

/** The kernel writes an address as words of four bytes in the order of the machine, which is little-endian. */
function readable(hex: string): string {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => [...Buffer.from(word, 'hex')].reverse());
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, at) =>
    (((bytes[2 * at] ?? 0) << 8) | (bytes[2 * at + 1] ?? 0)).toString(16),
  );
  return new URL(`http://[${groups.join(':')}]`).hostname;
}
