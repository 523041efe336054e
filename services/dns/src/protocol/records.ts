/** DNS records before they are encoded. Names have no trailing dot; `query-reader.ts` describes unusual bytes in them. */
export const TYPE = {
  A: 1,
  NS: 2,
  SOA: 6,
  HINFO: 13,
  TXT: 16,
  AAAA: 28,
  OPT: 41,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
  CAA: 257,
} as const;

export const CLASS_IN = 1;

/** Response codes (RFC 1035 §4.1.1; BADVERS: RFC 6891 §9). */
export const RCODE = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  BADVERS: 16,
} as const;

export type Rcode = (typeof RCODE)[keyof typeof RCODE];

export interface Soa {
  type: 'SOA';
  primary: string;
  /** The mailbox as a name (RFC 1035 §8). */
  admin: string;
  serial: number;
  refresh: number;
  retry: number;
  expire: number;
  minimum: number;
}

export type RecordData =
  | { type: 'A' | 'AAAA'; address: string }
  | { type: 'NS'; host: string }
  | { type: 'TXT'; text: string }
  | { type: 'CAA'; tag: 'issue'; value: string }
  | { type: 'HINFO'; cpu: string; os: string }
  | Soa;

export type DnsRecord = RecordData & { name: string; ttl: number };

export interface Answer {
  rcode: Rcode;
  authoritative: boolean;
  answers: readonly DnsRecord[];
  authority: readonly DnsRecord[];
  additional: readonly DnsRecord[];
}

/** An answer that has only a code. */
export function bare(rcode: Rcode): Answer {
  return { rcode, authoritative: false, answers: [], authority: [], additional: [] };
}

/** A type's name for metrics. Every type that is not served here is `other`. */
export function typeName(type: number): string {
  return nameIn(TYPE, type);
}

export function rcodeName(rcode: Rcode): string {
  return nameIn(RCODE, rcode);
}

function nameIn(table: Readonly<Record<string, number>>, wanted: number): string {
  return Object.keys(table).find((name) => table[name] === wanted) ?? 'other';
}
