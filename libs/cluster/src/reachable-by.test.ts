import { endpointFor, reachableBy } from './reachable-by.ts';

const local = { host: '172.20.0.2', port: 8080 };
const network = { host: '10.0.0.1', port: 40_000 };
const near = { id: 'near', droneId: 'd1' };
const far = { id: 'far', droneId: 'd2' };
const edge = { id: 'edge', droneId: '' };
const idsOf = (route: object) =>
  reachableBy({ droneId: 'd1', ...route }, [edge, far, near]).map(({ id }) => id);

describe('reachableBy', () => {
  it('returns every proxy for a published backend, the one on its drone first', () => {
    expect(idsOf({ local, network })).toEqual(['near', 'edge', 'far']);
  });

  it('returns only the proxies of its own drone for a backend that publishes no address', () => {
    expect(idsOf({ local })).toEqual(['near']);
    expect(idsOf({})).toEqual(['near']);
    expect(idsOf({ local, droneId: 'd3' })).toEqual([]);
  });

  it('never takes a proxy on no drone for one on the drone of a route without a drone', () => {
    expect(idsOf({ local, droneId: '' })).toEqual([]);
  });

  it('agrees with endpointFor for every route that has an address', () => {
    for (const route of [{ local }, { network }, { local, network }]) {
      const reaching = [edge, far, near].filter(({ droneId }) =>
        endpointFor({ droneId: 'd1', ...route }, droneId),
      );
      expect(new Set(idsOf(route))).toEqual(new Set(reaching.map(({ id }) => id)));
    }
  });
});

describe('endpointFor', () => {
  it('prefers the local address on the drone of the backend', () => {
    const route = { droneId: 'd1', local, network };
    expect([near, far, edge].map(({ droneId }) => endpointFor(route, droneId))).toEqual([
      local,
      network,
      network,
    ]);
    expect(endpointFor({ droneId: 'd1', local }, 'd2')).toBeUndefined();
  });
});
