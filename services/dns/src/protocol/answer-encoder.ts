/** Encodes answers. Only this file knows the dns2 library, and it uses only the encoder. */
import { Packet } from 'dns2';
import type { Query } from './query-reader.ts';
import { type Answer, CLASS_IN, type DnsRecord, TYPE } from './records.ts';

/** Most bytes of a UDP message. It passes every path without fragmentation (dnsflagday.net/2020). */
export const UDP_BYTES = 1232;
const UDP_BYTES_WITHOUT_EDNS = 512;
const TCP_BYTES = 65_535;

/** The bytes of an answer. If it does not fit, all records are left out and TC is set, so that the client retries over TCP. */
export function encodeAnswer(query: Query, answer: Answer, transport: 'udp' | 'tcp'): Buffer {
  const whole = encode(query, answer, false);
  if (whole.length <= limitOf(query, transport)) return whole;
  return encode(query, { ...answer, answers: [], authority: [], additional: [] }, true);
}

function limitOf({ edns }: Query, transport: 'udp' | 'tcp'): number {
  if (transport === 'tcp') return TCP_BYTES;
  return Math.max(UDP_BYTES_WITHOUT_EDNS, Math.min(edns?.udpBytes ?? 0, UDP_BYTES));
}

function encode(query: Query, answer: Answer, truncated: boolean): Buffer {
  const packet = new Packet();
  packet.header = new Packet.Header({
    id: query.id,
    qr: 1,
    opcode: query.opcode,
    aa: answer.authoritative ? 1 : 0,
    tc: truncated ? 1 : 0,
    rd: query.recursionDesired ? 1 : 0,
    rcode: answer.rcode,
  });
  if (query.question) packet.questions = [new Packet.Question(query.question)];
  packet.answers = answer.answers.map(resource);
  packet.authorities = answer.authority.map(resource);
  packet.additionals = answer.additional.map(resource);
  if (query.edns) packet.additionals.push(opt(query.edns.dnssecOk));
  return packet.toBuffer();
}

/** Our OPT record. The library adds the high bits of the response code. */
function opt(doFlag: boolean) {
  const ttl = doFlag ? 0x8000 : 0;
  return Object.assign(new Packet.Resource({ name: '', type: TYPE.OPT, class: UDP_BYTES, ttl }), {
    doFlag,
    rdata: [],
  });
}

function resource(record: DnsRecord) {
  const head = { name: record.name, type: TYPE[record.type], class: CLASS_IN, ttl: record.ttl };
  return Object.assign(new Packet.Resource(head), rdata(record));
}

function rdata(record: DnsRecord): object {
  switch (record.type) {
    case 'A':
    case 'AAAA':
      return { address: record.address };
    case 'NS':
      return { ns: record.host };
    case 'TXT':
      return { data: [record.text] };
    case 'CAA':
      return { flags: 0, tag: record.tag, value: record.value };
    case 'HINFO':
      return { data: Buffer.concat([characterString(record.cpu), characterString(record.os)]) };
    case 'SOA':
      return { ...record, type: TYPE.SOA, expiration: record.expire };
  }
}

function characterString(text: string): Buffer {
  return Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);
}
