import { isIPv4, isIPv6 } from 'node:net';
import type { NetworkInterfaceInfo, networkInterfaces } from 'node:os';

type Interfaces = ReturnType<typeof networkInterfaces>;

/** All of 127.0.0.0/8 is local, and no interface lists it. Resolvers and tests use its first addresses. */
const LOOPBACKS = Array.from({ length: 16 }, (_, at) => `127.0.0.${at + 1}`);

/**
 * The addresses that `0.0.0.0` or `::` listens on, each of which needs a UDP socket of its own: an answer from a socket of all
 * addresses leaves from the address that the route prefers (RFC 2181 §4.1). Empty for any other `listen`. Link-local addresses are
 * left out, because the kernel answers their clients from the right one.
 */
export function addressesBehind(listen: string, interfaces: Interfaces): string[] {
  if (!isWildcard(listen)) return [];
  const found = Object.values(interfaces).flatMap((addresses = []) => addresses.flatMap(addressesOf));
  const families = isIPv6(listen) ? found : found.filter((address) => isIPv4(address));
  return [...new Set(families)];
}

/** Whether an address is one of all: `0.0.0.0`, `::` in any spelling. */
function isWildcard(listen: string): boolean {
  return isIPv6(listen) ? /^[0:]+$/.test(listen) : listen === '0.0.0.0';
}

function addressesOf({ address, family, scopeid }: NetworkInterfaceInfo): string[] {
  if (family === 'IPv6') return scopeid === 0 ? [address] : [];
  return address.startsWith('127.') ? [address, ...LOOPBACKS] : [address];
}
