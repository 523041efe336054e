import { AddressRange, isSubnet } from './address-range.ts';

const REST = 1_000;

describe('an address range', () => {
  it('allocates in a circle, without the network, the gateway and broadcast addresses', () => {
    const range = new AddressRange('10.213.0.0/16', 250);
    const taken = Array.from({ length: 8 }, () => range.allocate(0));
    expect(taken).toEqual([
      '10.213.0.251',
      '10.213.0.252',
      '10.213.0.253',
      '10.213.0.254',
      '10.213.1.1',
      '10.213.1.2',
      '10.213.1.3',
      '10.213.1.4',
    ]);
    expect(new AddressRange('10.213.0.0/16').allocate(0)).toBe('10.213.0.2');
  });

  it('allocates no address twice, and a released one only after its rest', () => {
    const range = new AddressRange('192.168.3.16/28');
    const all = Array.from({ length: 13 }, () => range.allocate(0) ?? '');
    expect(new Set(all).size).toBe(13);
    expect(all[0]).toBe('192.168.3.18');
    expect(range.allocate(0)).toBeUndefined();
    range.release('192.168.3.20', 100, REST);
    expect(range.allocate(1_099)).toBeUndefined();
    expect(range.allocate(1_100)).toBe('192.168.3.20');
  });

  it('continues where an earlier range stopped, without addresses in use', () => {
    const first = new AddressRange('10.0.0.0/24');
    first.allocate(0);
    const later = new AddressRange('10.0.0.0/24', first.cursor);
    later.use('10.0.0.3');
    expect(later.allocate(0)).toBe('10.0.0.4');
  });

  it('starts at the beginning if the stored cursor is damaged', () => {
    for (const text of ['', '\0\0\0', 'NaN']) {
      const range = new AddressRange('10.0.0.0/24', Number(text));
      expect([range.allocate(0), range.cursor]).toEqual(['10.0.0.2', 2]);
    }
  });

  it.each(['192.168.3.16/28', '10.0.0.0/24', '10.0.0.0/23', '10.0.0.128/25'])(
    'of %s has as many free addresses as can be allocated',
    (subnet) => {
      const range = new AddressRange(subnet);
      const free = range.free(0);
      let allocated = 0;
      while (range.allocate(0)) allocated++;
      expect([free, range.free(0)]).toEqual([allocated, 0]);
    },
  );

  it('counts a resting address as free after its rest', () => {
    const range = new AddressRange('10.0.0.0/24');
    const free = range.free(0);
    range.release(range.allocate(0) ?? '', 0, 1_000);
    expect([range.free(999), range.free(1_000)]).toEqual([free - 1, free]);
  });

  it.each([
    ['10.213.0.0/16', true],
    ['192.168.1.0/28', true],
    ['10.213.0.1/16', false],
    ['10.213.0.0/29', false],
    ['10.0.0.0/7', false],
    ['10.256.0.0/16', false],
    ['fd00::/64', false],
    ['10.213.0.0', false],
  ])('accepts %s as a subnet: %s', (text, expected) => expect(isSubnet(text)).toBe(expected));
});
