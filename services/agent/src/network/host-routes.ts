import { procFile } from '../runtime/process/proc.ts';

/** An IPv4 network as numbers. */
type Network = Readonly<Record<'address' | 'mask', number>>;

/**
 * The networks that this machine already reaches (proc(5)), without the default route. The engine checks only its own
 * networks, and two networks with the same subnet are both unreachable.
 */
export function hostRoutes(): Network[] {
  return parseRoutes(procFile('net/route') ?? '');
}

/** Columns are separated by tabs. Addresses are hexadecimal, in the byte order of a little-endian machine. */
export function parseRoutes(table: string): Network[] {
  return table
    .split('\n')
    .slice(1)
    .map((line) => line.split('\t'))
    .filter((columns) => columns.length > 7)
    .map((columns) => ({ address: number(columns[1] ?? ''), mask: number(columns[7] ?? '') }))
    .filter(({ mask }) => mask !== 0);
}

/** Whether a subnet in CIDR form overlaps one of the networks. */
export function overlapsAny(subnet: string, networks: readonly Network[]): boolean {
  const [host = '', bits = ''] = subnet.split('/');
  const address = host.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const mask = 2 ** 32 - 2 ** (32 - Number(bits));
  return networks.some((network) => {
    const shorter = (mask & network.mask) >>> 0;
    return (address & shorter) >>> 0 === (network.address & shorter) >>> 0;
  });
}

function number(littleEndianHex: string): number {
  return Buffer.from(littleEndianHex, 'hex').readUInt32LE(0);
}
