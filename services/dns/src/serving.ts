import { isIPv4, isIPv6 } from 'node:net';
import type { Node } from '@spawner/proto/internal/node';
import type { Route } from '@spawner/proto/internal/route';

/**
 * The proxies that can reach a route's backend, the one on its drone first. A LOCAL endpoint is reached
 * by the drone's own proxies alone. A route without any endpoint yet (the backend is starting) is held by
 * its drone's proxies; where there are none it will have to be published, and any proxy may hold it.
 */
export function proxiesServing(route: Route, proxies: readonly Node[]): Node[] {
  const own = proxies.filter(({ droneId }) => droneId !== '' && droneId === route.droneId);
  const others = () => proxies.filter((proxy) => !own.includes(proxy));
  if (route.network) return [...own, ...others()];
  return route.local || own.length > 0 ? own : others();
}

/** Their public addresses of one family, in their order, each once. IPv6 in hexadecimal groups alone. */
export function addressesOf(proxies: readonly Node[], family: 'A' | 'AAAA'): string[] {
  return addressesIn(
    proxies.flatMap(({ publicAddresses }) => publicAddresses),
    family,
  );
}

/** Of these addresses those of one family, each once. What is no address is left out. */
export function addressesIn(addresses: readonly string[], family: 'A' | 'AAAA'): string[] {
  const found =
    family === 'A' ? addresses.filter(isIPv4) : addresses.filter(isPlainIPv6).map(inHexadecimalGroups);
  return [...new Set(found)];
}

/** Without a zone index, which means something to one machine alone. */
function isPlainIPv6(text: string): boolean {
  return isIPv6(text) && !text.includes('%');
}

function inHexadecimalGroups(address: string): string {
  return new URL(`http://[${address}]`).hostname.slice(1, -1);
}
