import { isIPv4, isIPv6 } from 'node:net';
import { reachableBy } from '@spawner/cluster';
import type { Node } from '@spawner/proto/internal/node';
import type { BackendRoute } from '@spawner/proto/internal/route';

/**
 * The proxies that serve a route: those that can reach its backend. A starting backend has no endpoint yet. If no proxy
 * is on its drone, its endpoint has to be a published one, so any proxy may hold the requests until then.
 */
export function proxiesServing(
  route: Pick<BackendRoute, 'droneId' | 'local' | 'network'>,
  proxies: readonly Node[],
): Node[] {
  const reaching = reachableBy(route, proxies);
  return reaching.length === 0 && !route.local ? [...proxies] : reaching;
}

/**
 * The public addresses of one family, in order and without duplicates. IPv6 is written in hexadecimal groups. Texts that are
 * not addresses are left out.
 */
export function addressesOf(
  hosts: readonly { publicAddresses: readonly string[] }[],
  family: 'A' | 'AAAA',
): string[] {
  const addresses = hosts.flatMap(({ publicAddresses }) => publicAddresses);
  const found =
    family === 'A' ? addresses.filter(isIPv4) : addresses.filter(isPlainIPv6).map(inHexadecimalGroups);
  return [...new Set(found)];
}

/** An address without a zone index, which is only valid on one machine. */
function isPlainIPv6(text: string): boolean {
  return isIPv6(text) && !text.includes('%');
}

function inHexadecimalGroups(address: string): string {
  return new URL(`http://[${address}]`).hostname.slice(1, -1);
}
