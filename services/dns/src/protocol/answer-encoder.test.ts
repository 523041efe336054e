import { mailboxName } from '../zone.ts';
import { encodeAnswer } from './answer-encoder.ts';
import { INNER_DOT, type Query, readQuery } from './query-reader.ts';
import { type Answer, bare, RCODE } from './records.ts';

const query = (change: Partial<Query> = {}): Query => ({
  id: 1,
  opcode: 0,
  recursionDesired: false,
  question: { name: 'Cluster.Test', type: 16, class: 1 },
  ...change,
});
const texts = (count: number): Answer => ({
  ...bare(RCODE.NOERROR),
  answers: Array.from({ length: count }, (_, at) => ({
    name: 'Cluster.Test',
    ttl: 1,
    type: 'TXT' as const,
    text: String(at).padStart(43, 'x'),
  })),
});
const edns = { version: 0, udpBytes: 4096, dnssecOk: false };
const isTruncated = (bytes: Buffer) => (bytes.readUInt16BE(2) & 0x0200) !== 0;

describe('encodeAnswer', () => {
  it('returns the question byte for byte, including dots within labels and high bytes', () => {
    const name = Buffer.from([4, 0x61, 0x2e, 0xc4, 0x42, 1, 0x2e, 0]);
    const bytes = Buffer.concat([
      Buffer.from([0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
      name,
      Buffer.from([0, 1, 0, 1]),
    ]);
    const read = readQuery(bytes);
    expect(read?.question?.name).toBe(`a${INNER_DOT}\u00c4B.${INNER_DOT}`);
    expect(encodeAnswer(read!, bare(RCODE.REFUSED), 'udp').subarray(12)).toEqual(bytes.subarray(12));
  });

  it('writes a mailbox with a dot as one label', () => {
    const soa = { type: 'SOA' as const, primary: 'n', admin: mailboxName('a.b@c'), serial: 1 };
    const times = { refresh: 1, retry: 1, expire: 1, minimum: 1 };
    const answers = [{ ...soa, ...times, name: 'Cluster.Test', ttl: 1 }];
    const bytes = encodeAnswer(query(), { ...bare(RCODE.NOERROR), answers }, 'udp');
    expect(bytes.includes(Buffer.from('\x03a.b\x01c\x00', 'latin1'))).toBe(true);
  });

  it.each([
    ['512 bytes without EDNS', query(), 512],
    ['the size that the client accepts', query({ edns: { ...edns, udpBytes: 700 } }), 700],
    ['512 bytes if the client accepts less', query({ edns: { ...edns, udpBytes: 0 } }), 512],
    ['1232 bytes at most', query({ edns }), 1232],
  ])('fits UDP answers into %s, or leaves them out with TC', (_, asked, limit) => {
    const sizes = Array.from({ length: 30 }, (_each, count) => encodeAnswer(asked, texts(count), 'udp'));
    expect(Math.max(...sizes.map(({ length }) => length))).toBeLessThanOrEqual(limit);
    expect(Math.max(...sizes.map(({ length }) => length))).toBeGreaterThan(limit - 60);
    const cut = sizes.filter(isTruncated);
    expect(cut.length).toBeGreaterThan(0);
    for (const bytes of cut) expect(bytes.readUInt16BE(6)).toBe(0);
    expect(isTruncated(encodeAnswer(asked, texts(30), 'tcp'))).toBe(false);
  });

  it('puts the high bits of BADVERS into the OPT', () => {
    const asked = query({ edns: { ...edns, version: 1, dnssecOk: true } });
    const bytes = encodeAnswer(asked, bare(RCODE.BADVERS), 'udp');
    expect(bytes.readUInt16BE(2) & 0xf).toBe(0);
    expect(bytes.subarray(-11)).toEqual(Buffer.from([0, 0, 41, 0x04, 0xd0, 1, 0, 0x80, 0, 0, 0]));
  });

  it('adds no OPT for a client without EDNS', () => {
    expect(encodeAnswer(query(), texts(1), 'udp').readUInt16BE(10)).toBe(0);
  });
});
