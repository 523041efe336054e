import { BlockList, isIP } from 'node:net';

/**
 * Addresses of load balancers and other proxies, whose `X-Forwarded-*` and `Forwarded` headers are believed. Empty unless
 * configured.
 */
export type TrustedAddresses = ReturnType<typeof trustedAddresses>;

/** Whether a text is an IP address or a CIDR range (RFC 4632, RFC 4291 §2.3). */
export function isCidr(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= widthOf(family));
}

/** A set of texts that `isCidr` accepts. */
export function trustedAddresses(ranges: readonly string[]) {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', bits] = range.split('/');
    const family = isIP(address);
    list.addSubnet(address, Number(bits ?? widthOf(family)), familyName(family));
  }
  return {
    includes: (address: string): boolean =>
      isIP(address) !== 0 && list.check(address, familyName(isIP(address))),
  };
}

/** An IPv4 address that a dual-stack socket shows as IPv6 (`::ffff:1.2.3.4`), as IPv4. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && isIP(address.slice(7)) === 4 ? address.slice(7) : address;
}

function widthOf(family: number): number {
  return family === 4 ? 32 : 128;
}

function familyName(family: number): 'ipv4' | 'ipv6' {
  return family === 4 ? 'ipv4' : 'ipv6';
}
