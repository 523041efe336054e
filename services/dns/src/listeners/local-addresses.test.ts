import type { NetworkInterfaceInfo } from 'node:os';
import { addressesBehind } from './local-addresses.ts';

const four = (address: string) => ({ address, family: 'IPv4' }) as NetworkInterfaceInfo;
const six = (address: string, scopeid = 0) => ({ address, family: 'IPv6', scopeid }) as NetworkInterfaceInfo;
const interfaces = {
  lo: [four('127.0.0.1'), six('::1')],
  eth0: [four('192.0.2.1'), four('192.0.2.9'), six('2001:db8::1'), six('fe80::1', 2)],
  again: [four('192.0.2.9')],
};

describe('addressesBehind', () => {
  it('names each IPv4 address behind 0.0.0.0 once, and the first ones of the loopback network', () => {
    const found = addressesBehind('0.0.0.0', interfaces);
    expect(found.filter((address) => !address.startsWith('127.'))).toEqual(['192.0.2.1', '192.0.2.9']);
    expect(found).toContain('127.0.0.2');
    expect(new Set(found).size).toBe(found.length);
  });

  it.each(['::', '0:0:0:0:0:0:0:0'])(
    'names the addresses of both families behind %s, but no link-local one',
    (listen) => {
      const found = addressesBehind(listen, interfaces);
      expect(found).toEqual(expect.arrayContaining(['192.0.2.1', '2001:db8::1', '::1', '127.0.0.2']));
      expect(found).not.toContain('fe80::1');
    },
  );

  it.each(['127.0.0.1', '192.0.2.1', '::1'])('names none for one address: %s', (listen) => {
    expect(addressesBehind(listen, interfaces)).toEqual([]);
  });
});
