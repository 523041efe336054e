import { overlapsAny, parseRoutes } from './host-routes.ts';

const TABLE = [
  'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT',
  'eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0',
  'br-1\t0000D50A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0',
  'br-2\t0007D70A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0',
  '',
].join('\n');

describe("this machine's routes", () => {
  const routes = parseRoutes(TABLE);

  it.each([
    ['10.213.0.0/16', true],
    ['10.213.9.0/24', true],
    ['10.214.0.0/16', false],
    ['10.215.0.0/16', true],
    ['10.215.8.0/24', false],
    ['10.0.0.0/8', true],
    ['192.168.0.0/16', false],
  ])('overlap with %s: %s', (subnet, expected) => expect(overlapsAny(subnet, routes)).toBe(expected));
});
