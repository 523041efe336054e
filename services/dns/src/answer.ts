/**
 * Decides the answer to a question from the zone. Pure. A name exists for every type or for none, so an existing name
 * without the type asked for gets NOERROR and the SOA. A name with existing names below it exists (RFC 8020). Until the
 * replicas are complete, questions that depend on them get SERVFAIL, and so do the addresses of a backend that no proxy
 * serves. Resolvers then retry, may use stale data (RFC 8767), and do not cache a wrong answer.
 */
import { backendIdOfHost } from '@spawner/domain';
import type { Node } from '@spawner/proto/internal/node';
import { RouteState } from '@spawner/proto/internal/route';
import type { Question } from './protocol/query-reader.ts';
import { type Answer, bare, CLASS_IN, RCODE, type RecordData, TYPE } from './protocol/records.ts';
import { addressesOf, proxiesServing } from './serving.ts';
import type { ZoneView } from './zone.ts';

/** Seconds for which resolvers may cache that a name does not exist (RFC 2308). It is short because spawns create names. */
export const NEGATIVE_TTL = 5;
/** TTL of ACME challenges, in seconds. Several servers ask in turn, and each must see the newest values. */
const CHALLENGE_TTL = 1;
/** TTL of records that only an operator changes, in seconds. */
const FIXED_TTL = 300;

/** The answer of an authoritative server (RFC 1034, 2308, 8482). */
export function answer(question: Question, zone: ZoneView): Answer {
  const { domain } = zone.settings;
  const name = question.name.toLowerCase();
  const outside = name !== domain && !name.endsWith(`.${domain}`);
  const transfer = question.type === TYPE.AXFR || question.type === TYPE.IXFR;
  if (outside || transfer || question.class !== CLASS_IN) return bare(RCODE.REFUSED);

  const fixed = fixedAt(name, zone);
  const proxies = proxiesAt(name, zone);
  if (!zone.complete && !(fixed && !isAddress(question.type))) return bare(RCODE.SERVFAIL);
  if (!fixed && !proxies) return negative(RCODE.NXDOMAIN, zone);
  if (proxies?.length === 0 && isAddress(question.type)) return bare(RCODE.SERVFAIL);

  const data = [...(fixed ?? []), ...lasting(zone.settings.ttlSeconds, addressRecords(proxies ?? []))];
  const wanted =
    question.type === TYPE.ANY
      ? lasting(FIXED_TTL, [{ type: 'HINFO', cpu: 'RFC8482', os: '' }])
      : data.filter(({ type }) => TYPE[type] === question.type);
  if (wanted.length === 0) return negative(RCODE.NOERROR, zone);
  const answers = wanted.map((record) => ({ ...record, name: question.name }));
  return {
    rcode: RCODE.NOERROR,
    authoritative: true,
    answers,
    authority: [],
    additional: answers.flatMap((record) => (record.type === 'NS' ? glue(record.host, zone) : [])),
  };
}

type Entry = RecordData & { ttl: number };

function lasting(ttl: number, data: readonly RecordData[]): Entry[] {
  return data.map((each) => ({ ...each, ttl }));
}

/** The records of configuration and challenges at a name. Returns undefined if the name is not one of them. */
function fixedAt(name: string, zone: ZoneView): Entry[] | undefined {
  const { domain, nameservers, caa } = zone.settings;
  const apex: RecordData[] = [
    soa(zone),
    ...nameservers.map((host) => ({ type: 'NS', host }) as const),
    ...caa.map((value) => ({ type: 'CAA', tag: 'issue', value }) as const),
  ];
  const found = [
    ...lasting(FIXED_TTL, name === domain ? apex : nameserverAddresses(name, zone)),
    ...zone.challenges.at(name).map((text): Entry => ({ type: 'TXT', text, ttl: CHALLENGE_TTL })),
  ];
  const exists =
    found.length > 0 ||
    nameservers.some((host) => host === name || host.endsWith(`.${name}`)) ||
    zone.challenges.existsBelow(name);
  return exists ? found : undefined;
}

/** All proxies at the apex, those that serve it at a backend's name. Returns undefined if there is no such backend. */
function proxiesAt(name: string, zone: ZoneView): readonly Node[] | undefined {
  if (name === zone.settings.domain) return zone.proxies;
  const id = backendIdOfHost(name, zone.settings.domain);
  const route = id && zone.route(id);
  if (!route || route.state === RouteState.ENDED) return undefined;
  return proxiesServing(route, zone.proxies);
}

function addressRecords(hosts: Parameters<typeof addressesOf>[0]): RecordData[] {
  return (['A', 'AAAA'] as const).flatMap((type) =>
    addressesOf(hosts, type).map((address) => ({ type, address })),
  );
}

/** `name` is below the domain. */
function nameserverAddresses(name: string, { settings }: ZoneView): RecordData[] {
  return settings.nameservers.includes(name) ? addressRecords([settings]) : [];
}

function glue(host: string, zone: ZoneView) {
  if (!host.endsWith(`.${zone.settings.domain}`)) return [];
  return lasting(FIXED_TTL, nameserverAddresses(host, zone)).map((record) => ({ ...record, name: host }));
}

function negative(rcode: typeof RCODE.NOERROR | typeof RCODE.NXDOMAIN, zone: ZoneView): Answer {
  const authority = [{ ...soa(zone), name: zone.settings.domain, ttl: NEGATIVE_TTL }];
  return { rcode, authoritative: true, answers: [], authority, additional: [] };
}

function soa({ settings, serial }: ZoneView) {
  return {
    type: 'SOA',
    primary: settings.nameservers[0] ?? settings.domain,
    admin: settings.admin,
    serial,
    refresh: 3_600,
    retry: 600,
    expire: 604_800,
    minimum: NEGATIVE_TTL,
  } as const;
}

function isAddress(type: number): boolean {
  return type === TYPE.A || type === TYPE.AAAA || type === TYPE.ANY;
}
