import fc from 'fast-check';
import { INNER_DOT, readQuery } from './query-reader.ts';
import { RCODE } from './records.ts';

const header = ({ id = 7, flags = 0x0100, counts = [1, 0, 0, 0] } = {}) => {
  const bytes = Buffer.alloc(12);
  for (const [index, word] of [id, flags, ...counts].entries()) bytes.writeUInt16BE(word, 2 * index);
  return bytes;
};
const name = (...labels: string[]) =>
  Buffer.concat([
    ...labels.flatMap((label) => [Buffer.from([label.length]), Buffer.from(label, 'latin1')]),
    Buffer.from([0]),
  ]);
const question = (...labels: string[]) => Buffer.concat([name(...labels), Buffer.from([0, 1, 0, 1])]);
const opt = (version: number, udpBytes = 4096, doFlag = true) =>
  Buffer.from([0, 0, 41, udpBytes >> 8, udpBytes & 0xff, 0, version, doFlag ? 0x80 : 0, 0, 0, 0]);
const query = (...parts: Buffer[]) => readQuery(Buffer.concat(parts));

describe('readQuery', () => {
  it('reads a question with its case, and EDNS', () => {
    const counts = [1, 0, 0, 1];
    expect(query(header({ counts }), question('Ab', 'Example'), opt(0))).toEqual({
      id: 7,
      opcode: 0,
      recursionDesired: true,
      question: { name: 'Ab.Example', type: 1, class: 1 },
      edns: { version: 0, udpBytes: 4096, dnssecOk: true },
    });
  });

  it('distinguishes a dot within a label from the dots between labels', () => {
    expect(query(header(), question('a.b', 'c'))?.question?.name).toBe(`a${INNER_DOT}b.c`);
  });

  it.each([
    ['no bytes', Buffer.alloc(0)],
    ['eleven bytes', Buffer.alloc(11)],
    ['an answer', Buffer.concat([header({ flags: 0x8100 }), question('a')])],
  ])('does not answer %s', (_, bytes) => {
    expect(readQuery(bytes)).toBeUndefined();
  });

  const record = Buffer.concat([name('x'), Buffer.from([0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 1, 2, 3, 4])]);
  it.each([
    ['no question', [header({ counts: [0, 0, 0, 0] })], RCODE.FORMERR],
    ['two questions', [header({ counts: [2, 0, 0, 0] }), question('a'), question('b')], RCODE.FORMERR],
    ['a header with a wrong count', [header()], RCODE.FORMERR],
    ['a pointer in the question', [header(), Buffer.from([0xc0, 12, 0, 1, 0, 1])], RCODE.FORMERR],
    ['a label of 64', [header(), question('a'.repeat(64))], RCODE.FORMERR],
    ['a name of 257', [header(), question(...Array(4).fill('a'.repeat(63)))], RCODE.FORMERR],
    ['bytes left over', [header(), question('a'), Buffer.from([0])], RCODE.FORMERR],
    [
      'a cut record',
      [header({ counts: [1, 1, 0, 0] }), question('a'), record.subarray(0, 15)],
      RCODE.FORMERR,
    ],
    ['two OPTs', [header({ counts: [1, 0, 0, 2] }), question('a'), opt(0), opt(0)], RCODE.FORMERR],
    [
      'an OPT that is not of the root',
      [header({ counts: [1, 0, 0, 1] }), question('a'), name('x').subarray(0, 2), opt(0)],
      RCODE.FORMERR,
    ],
    ['OPT asked for', [header(), name('a'), Buffer.from([0, 41, 0, 1])], RCODE.FORMERR],
    ['EDNS 1', [header({ counts: [1, 0, 0, 1] }), question('a'), opt(1)], RCODE.BADVERS],
    ['a NOTIFY', [header({ flags: 0x2000 }), question('a')], RCODE.NOTIMP],
    ['an UPDATE', [header({ flags: 0x2800 }), question('a')], RCODE.NOTIMP],
  ])('refuses %s', (_, parts, problem) => {
    expect(query(...parts)).toMatchObject({ id: 7, problem });
  });

  it('skips other records', () => {
    expect(query(header({ counts: [1, 1, 0, 0] }), question('a'), record)).not.toHaveProperty('problem');
    expect(query(header({ counts: [1, 0, 0, 1] }), question('a'), record)?.edns).toBeUndefined();
  });

  it('refuses counts of 65535 at once', () => {
    const counts = [1, 0xffff, 0xffff, 0xffff];
    const bytes = Buffer.concat([header({ counts }), question('a'), Buffer.alloc(65_000)]);
    const before = process.cpuUsage();
    expect(readQuery(bytes)?.problem).toBe(RCODE.FORMERR);
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1_000).toBeLessThan(50);
  });

  it('never throws for any bytes', () => {
    const bytes = fc.uint8Array({ minLength: 0, maxLength: 80 });
    fc.assert(fc.property(bytes, (tail) => void query(header({ counts: [1, 1, 1, 1] }), Buffer.from(tail))));
    fc.assert(fc.property(bytes, (all) => void readQuery(Buffer.from(all))));
  });
});
