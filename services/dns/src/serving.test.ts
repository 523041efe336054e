import { Node } from '@spawner/proto/internal/node';
import { newRoute, type Route } from '@spawner/store';
import { addressesOf, proxiesServing } from './serving.ts';

const proxy = (id: string, droneId = '', ...publicAddresses: string[]) =>
  Node.fromPartial({ id, droneId, publicAddresses });
const edge = proxy('edge');
const near = proxy('near', 'd1');
const far = proxy('far', 'd2');
const local = { host: '172.20.0.2', port: 8080 };
const network = { host: '10.0.0.1', port: 40_000 };
const serving = (route: Partial<Route>, proxies = [edge, far, near]) =>
  proxiesServing(newRoute({ droneId: 'd1', ...route }), proxies).map(({ id }) => id);

describe('proxiesServing', () => {
  it('names only the drone’s own proxy for a backend that is only reached there', () => {
    expect(serving({ local })).toEqual(['near']);
    expect(serving({ local }, [edge, far])).toEqual([]);
  });

  it('names every proxy for a published backend, the one on its drone first', () => {
    expect(serving({ local, network })).toEqual(['near', 'edge', 'far']);
    expect(serving({ network })).toEqual(['near', 'edge', 'far']);
  });

  it('names the proxies that may hold requests while the backend has no address yet', () => {
    expect(serving({})).toEqual(['near']);
    expect(serving({}, [edge, far])).toEqual(['edge', 'far']);
  });

  it('does not match a proxy without a drone to a route without a drone', () => {
    expect(serving({ droneId: '', local })).toEqual([]);
  });
});

describe('addressesOf', () => {
  const proxies = [
    proxy('a', '', '192.0.2.1', '2001:DB8:0::1', 'fe80::1%eth0'),
    proxy('b', '', '192.0.2.1', 'nonsense', '::ffff:192.0.2.9'),
  ];

  it('returns each address of the family once, in order, without other texts', () => {
    expect(addressesOf(proxies, 'A')).toEqual(['192.0.2.1']);
    expect(addressesOf(proxies, 'AAAA')).toEqual(['2001:db8::1', '::ffff:c000:209']);
  });
});
