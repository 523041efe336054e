import { Node } from '@spawner/proto/internal/node';
import { RouteState } from '@spawner/proto/internal/route';
import { newRoute } from '@spawner/store';
import { answer, NEGATIVE_TTL } from './answer.ts';
import { RCODE, TYPE } from './protocol/records.ts';
import { mailboxName, type ZoneView } from './zone.ts';

const domain = 'cluster.test';
const [one, two, ended, unheard] = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(26)) as [
  string,
  string,
  string,
  string,
];
const routes = new Map(
  [
    { backendId: one, droneId: 'd1', state: RouteState.OPEN, network: { host: '10.0.0.1', port: 1 } },
    { backendId: two, droneId: 'd2', state: RouteState.PENDING },
    { backendId: ended, droneId: 'd2', state: RouteState.ENDED },
    { backendId: unheard, droneId: 'd9', state: RouteState.OPEN, local: { host: '172.20.0.2', port: 1 } },
  ].map((route) => [route.backendId, newRoute(route)]),
);
const proxies = [
  Node.fromPartial({ id: 'p2', droneId: 'd2', publicAddresses: ['192.0.2.2', '2001:db8::2'] }),
  Node.fromPartial({ id: 'p1', droneId: 'd1', publicAddresses: ['192.0.2.1', '2001:db8::1'] }),
];
const overIPv6 = Node.fromPartial({ id: 'p6', droneId: 'd1', publicAddresses: ['2001:db8::6'] });
const challenges = new Map([[`_acme-challenge.${domain}`, ['v1', 'v2']]]);

const zone = (change: Partial<ZoneView> = {}, settings: Partial<ZoneView['settings']> = {}): ZoneView => ({
  settings: {
    domain,
    nameservers: [`ns.${domain}`, 'ns.elsewhere.test'],
    publicAddresses: ['198.51.100.1', '2001:db8::53'],
    admin: mailboxName('dns.admin@elsewhere.test'),
    caa: ['letsencrypt.org'],
    ttlSeconds: 10,
    ...settings,
  },
  complete: true,
  serial: 42,
  proxies,
  challenges: {
    at: (name) => challenges.get(name) ?? [],
    existsBelow: (name) => [...challenges.keys()].some((known) => known.endsWith(`.${name}`)),
  },
  route: (id) => routes.get(id),
  ...change,
});
const ask = (name: string, type: keyof typeof TYPE, of = zone()) =>
  answer({ name, type: TYPE[type], class: 1 }, of);
const addresses = (found: ReturnType<typeof ask>) =>
  found.answers.map((record) => ('address' in record ? record.address : undefined));

describe('answer', () => {
  it('names the proxies of a backend, the one on its drone first', () => {
    expect(addresses(ask(`${one}.${domain}`, 'A'))).toEqual(['192.0.2.1', '192.0.2.2']);
    expect(addresses(ask(`${one}.${domain}`, 'AAAA'))).toEqual(['2001:db8::1', '2001:db8::2']);
  });

  it('answers for a backend that is starting, whose proxy holds the request', () => {
    expect(addresses(ask(`${two}.${domain}`, 'A'))).toEqual(['192.0.2.2']);
  });

  it('accepts names in any case and returns them as they were asked', () => {
    const asked = `${one.toUpperCase()}.ClusTer.test`;
    expect(ask(asked, 'A').answers[0]).toMatchObject({ name: asked, ttl: 10 });
  });

  it('has the proxies, SOA, NS and CAA at the apex', () => {
    expect(addresses(ask(domain, 'A'))).toEqual(['192.0.2.2', '192.0.2.1']);
    expect(ask(domain, 'SOA').answers).toMatchObject([
      { primary: `ns.${domain}`, serial: 42, minimum: NEGATIVE_TTL },
    ]);
    expect(ask(domain, 'NS').answers).toMatchObject([
      { host: `ns.${domain}` },
      { host: 'ns.elsewhere.test' },
    ]);
    expect(ask(domain, 'CAA').answers).toMatchObject([{ tag: 'issue', value: 'letsencrypt.org' }]);
  });

  it('adds the addresses of its own name servers to their names', () => {
    expect(ask(domain, 'NS').additional).toMatchObject([
      { name: `ns.${domain}`, address: '198.51.100.1' },
      { name: `ns.${domain}`, address: '2001:db8::53' },
    ]);
    expect(addresses(ask(`ns.${domain}`, 'A'))).toEqual(['198.51.100.1']);
  });

  it('returns every challenge of a name', () => {
    const found = ask(`_acme-challenge.${domain}`, 'TXT');
    expect(found.answers).toMatchObject([{ text: 'v1' }, { text: 'v2' }]);
  });

  it.each([
    ['an ended backend', `${ended}.${domain}`],
    ['an unknown backend', `${'z'.repeat(26)}.${domain}`],
    ['a name that is not a backend id', `www.${domain}`],
    ['a name below a backend', `x.${one}.${domain}`],
  ])('answers NXDOMAIN for %s, cacheable for five seconds', (_, name) => {
    const found = ask(name, 'A');
    expect(found).toMatchObject({ rcode: RCODE.NXDOMAIN, authoritative: true, answers: [] });
    expect(found.authority).toMatchObject([{ type: 'SOA', name: domain, ttl: 5, minimum: 5 }]);
  });

  it.each([
    ['a backend, asked for TXT', `${one}.${domain}`, 'TXT', zone()],
    ['a backend whose proxies have other addresses', `${one}.${domain}`, 'A', zone({ proxies: [overIPv6] })],
    ['a challenge, asked for A', `_acme-challenge.${domain}`, 'A', zone()],
    ['the apex without issuers', domain, 'CAA', zone({}, { caa: [] })],
    [
      'a name that only has names below it',
      `infra.${domain}`,
      'A',
      zone({}, { nameservers: [`n.infra.${domain}`] }),
    ],
  ] as const)('says NODATA with the SOA for %s', (_, name, type, of) => {
    const found = ask(name, type, of);
    expect(found).toMatchObject({ rcode: RCODE.NOERROR, authoritative: true, answers: [] });
    expect(found.authority).toMatchObject([{ type: 'SOA', name: domain }]);
  });

  it.each([
    ['a name elsewhere', 'example.com', 'A', 1],
    ['a name with the same ending', `evil${domain}`, 'A', 1],
    ['the root', '', 'NS', 1],
    ['another class', domain, 'TXT', 3],
    ['a transfer', domain, 'AXFR', 1],
  ] as const)('refuses %s', (_, name, type, of) => {
    expect(answer({ name, type: TYPE[type], class: of }, zone())).toMatchObject({
      rcode: RCODE.REFUSED,
      authoritative: false,
    });
  });

  it("does not deny a backend's addresses while no proxy serves it", () => {
    for (const type of ['A', 'AAAA', 'ANY'] as const)
      expect(ask(`${unheard}.${domain}`, type)).toMatchObject({
        rcode: RCODE.SERVFAIL,
        authoritative: false,
      });
    expect(ask(`${one}.${domain}`, 'A', zone({ proxies: [] })).rcode).toBe(RCODE.SERVFAIL);
    expect(ask(domain, 'A', zone({ proxies: [] })).rcode).toBe(RCODE.SERVFAIL);
    expect(ask(`${unheard}.${domain}`, 'TXT').rcode).toBe(RCODE.NOERROR);
  });

  it('answers ANY with one HINFO (RFC 8482)', () => {
    expect(ask(domain, 'ANY').answers).toMatchObject([{ type: 'HINFO', cpu: 'RFC8482', name: domain }]);
    expect(ask(`www.${domain}`, 'ANY').rcode).toBe(RCODE.NXDOMAIN);
  });

  it('does not deny names before the replicas are complete', () => {
    const early = zone({ complete: false, proxies: [], route: () => undefined });
    expect(ask(`${one}.${domain}`, 'A', early).rcode).toBe(RCODE.SERVFAIL);
    expect(ask(domain, 'A', early).rcode).toBe(RCODE.SERVFAIL);
    expect(ask(domain, 'SOA', early).rcode).toBe(RCODE.NOERROR);
    expect(ask(`_acme-challenge.${domain}`, 'TXT', early).answers).toHaveLength(2);
  });
});
