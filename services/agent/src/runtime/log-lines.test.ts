import { LogStream } from '@spawner/proto/v1/backend_service';
import { FrameReader, LineSplitter } from './log-lines.ts';

function frame(stream: number, text: string): Buffer {
  const body = Buffer.from(text);
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(body.length, 4);
  return Buffer.concat([header, body]);
}

describe('splitting lines', () => {
  it('gives the same lines for any chunking of the bytes', () => {
    const bytes = Buffer.from('one\r\n\nzwei ü\nend');
    const whole = new LineSplitter();
    const expected = [...whole.take(bytes), ...whole.end()];
    const single = new LineSplitter();
    const pieces = [...bytes].flatMap((byte) => single.take(Buffer.from([byte])));
    expect([...pieces, ...single.end()]).toEqual(expected);
    expect(expected).toEqual(['one', '', 'zwei ü', 'end']);
  });

  it('gives an endless line in pieces', () => {
    const cutter = new LineSplitter(4);
    expect(cutter.take(Buffer.from('abcdefghij\nk'))).toEqual(['abcd', 'efgh', 'ij']);
    expect(cutter.end()).toEqual(['k']);
  });
});

describe('the pieces of a long line', () => {
  const long = `${'aé€😀'.repeat(40)}é`;

  it.each([8, 9, 10, 11, 12, 13])('of at most %i bytes tear no character, however the bytes come', (most) => {
    for (const chunk of [1, 3, 7, 1_000]) {
      const cutter = new LineSplitter(most);
      const bytes = Buffer.from(long);
      const pieces: string[] = [];
      for (let at = 0; at < bytes.length; at += chunk)
        pieces.push(...cutter.take(bytes.subarray(at, at + chunk)));
      pieces.push(...cutter.end());
      expect(pieces.join('')).toBe(long);
      expect(Math.max(...pieces.map((piece) => Buffer.byteLength(piece)))).toBeLessThanOrEqual(most);
    }
  });

  it('are cut all the same in bytes that are no text', () => {
    const pieces = new LineSplitter(4).take(Buffer.alloc(20, 0x80));
    expect(pieces.length).toBeGreaterThan(2);
  });
});

describe("the engine's frames", () => {
  const time = '2024-05-06T07:08:09.123456789Z';
  const bytes = Buffer.concat([
    frame(1, `${time} hello\n`),
    frame(2, `${time} oh `),
    frame(1, `${time} world\n${time} \n`),
    frame(2, 'no\n'),
  ]);
  const expected = [
    { stream: LogStream.STDOUT, text: 'hello' },
    { stream: LogStream.STDOUT, text: 'world' },
    { stream: LogStream.STDOUT, text: '' },
    { stream: LogStream.STDERR, text: 'oh no' },
  ].map((line) => ({ ...line, time: new Date('2024-05-06T07:08:09.123Z') }));

  it('become lines of two separate streams, with their times', () => {
    expect(new FrameReader().take(bytes)).toEqual(expected);
  });

  it('repeat the time within a long line, without becoming part of it', () => {
    const [one, two, three] = ['a', 'b', 'c'].map((letter) => letter.repeat(16_384));
    const frames = [one, two, `${time} ${three}\n`].map((part) => frame(1, `${time} ${part}`));
    const told = { stream: LogStream.STDOUT, time: new Date('2024-05-06T07:08:09.123Z') };
    expect(new FrameReader().take(Buffer.concat([...frames, frame(1, `${time} next\n`)]))).toEqual([
      { ...told, text: `${one}${two}${time} ${three}` },
      { ...told, text: 'next' },
    ]);
  });

  it('may be cut anywhere', () => {
    for (let at = 1; at < bytes.length; at++) {
      const reader = new FrameReader();
      const lines = [
        ...reader.take(bytes.subarray(0, at)),
        ...reader.take(bytes.subarray(at)),
        ...reader.end(),
      ];
      expect(lines).toEqual(expected);
    }
  });
});
