import { EventEmitter } from 'node:events';
import { RateLimits } from './rate-limits.ts';
import { trustedAddresses } from './trusted-addresses.ts';

const NONE = { connectionsPerHost: 0, requestsPerSecondPerHost: 0, connectionsPerAddress: 0 };
const limits = (some: Partial<typeof NONE>) =>
  new RateLimits({ ...NONE, ...some }, trustedAddresses(['10.0.0.1']));
const connection = (remoteAddress = '192.0.2.9') => Object.assign(new EventEmitter(), { remoteAddress });

describe('RateLimits', () => {
  it('admit everything where none is set', () => {
    const none = limits({});
    for (let n = 0; n < 1_000; n++) {
      expect(none.connected(connection('192.0.2.1'))).toBe(true);
      expect(none.admit('a', connection(), 0)).toBe('admitted');
    }
  });

  it('count the connections of one address until they close, however the address is written', () => {
    const two = limits({ connectionsPerAddress: 2 });
    const first = connection('192.0.2.1');
    expect(two.connected(first)).toBe(true);
    expect(two.connected(connection('::ffff:192.0.2.1'))).toBe(true);
    expect(two.connected(connection('192.0.2.1'))).toBe(false);
    expect(two.connected(connection('192.0.2.2'))).toBe(true);
    first.emit('close');
    expect(two.connected(connection('192.0.2.1'))).toBe(true);
    expect(two.connected(connection('192.0.2.1'))).toBe(false);
  });

  it('leave out addresses that speak for others', () => {
    const one = limits({ connectionsPerAddress: 1 });
    for (let n = 0; n < 3; n++) expect(one.connected(connection('10.0.0.1'))).toBe(true);
  });

  it('count a connection for the host that it asked last', () => {
    const one = limits({ connectionsPerHost: 1 });
    const [a, b] = [connection(), connection()];
    expect(one.admit('red', a, 0)).toBe('admitted');
    expect(one.admit('red', a, 0)).toBe('admitted');
    expect(one.admit('red', b, 0)).toBe('tooManyConnections');
    expect(one.admit('blue', a, 0)).toBe('admitted');
    expect(one.admit('red', b, 0)).toBe('admitted');
    expect(one.admit('red', a, 0)).toBe('tooManyConnections');
    b.emit('close');
    expect(one.admit('red', a, 0)).toBe('admitted');
    a.emit('close');
    expect(one.admit('blue', connection(), 0)).toBe('admitted');
    expect(one.admit('red', connection(), 0)).toBe('admitted');
  });

  it('count the requests of each host from zero every second', () => {
    const two = limits({ requestsPerSecondPerHost: 2 });
    const a = connection();
    expect([0, 1, 999].map((now) => two.admit('red', a, now))).toEqual([
      'admitted',
      'admitted',
      'tooManyRequests',
    ]);
    expect(two.admit('blue', a, 999)).toBe('admitted');
    expect(two.admit('red', a, 1_000)).toBe('admitted');
  });
});
