/** Chapters 1 to 5 and 7 of the Autobahn list: framing, control frames, reserved bits and opcodes, fragments, closing. */
import { bad, type Case, chopped, good } from './case.ts';
import { closing, encode, type Frame, OPCODE } from './frame.ts';

const { continuation, text, binary, close, ping, pong } = OPCODE;
const SIZES = [0, 1, 125, 126, 127, 128, 65_535, 65_536];
const stars = (size: number) => Buffer.alloc(size, '*');
const bytes = (size: number) => Buffer.alloc(size, 0xfe);
const message = (payload: string): Frame => ({ opcode: text, payload });
const part = (payload: string, opcode: number = continuation): Frame => ({ opcode, payload, fin: false });
const last = (payload: string): Frame => ({ opcode: continuation, payload });

const framing: Case[] = [
  ...SIZES.map((size) => good(`1.1 a text of ${size} bytes`, 1, { opcode: text, payload: stars(size) })),
  ...SIZES.map((size) => good(`1.2 ${size} bytes`, 1, { opcode: binary, payload: bytes(size) })),
  ...[1, 2, 997].map((size) =>
    chopped(good('1.1.8 a text of 5000 bytes', 1, { opcode: text, payload: stars(5_000) }), size),
  ),
  chopped(good('1.2.8 65536 bytes', 1, { opcode: binary, payload: bytes(65_536) }), 997),
  good('1.3 a hundred messages at once', 100, ...Array.from({ length: 100 }, (_, n) => message(`no. ${n}`))),
  bad('1.4 a frame without a mask', 1002, 0, { opcode: text, payload: 'bare', masked: false }),
  {
    ...bad('1.5 the beginning of a message larger than the backend takes', 1009, 0),
    bytes: () => [encode({ opcode: binary, payload: bytes((32 << 20) + 1) }).subarray(0, 64)],
  },
];

const pings: Case[] = [
  good('2.1 a ping without a payload', 0, { opcode: ping }),
  good('2.2 a ping with a payload', 0, { opcode: ping, payload: 'Hello, world!' }),
  good('2.3 a ping of bytes that are no text', 0, {
    opcode: ping,
    payload: Buffer.from([0, 255, 254, 253, 0, 255]),
  }),
  good('2.4 a ping of 125 bytes', 0, { opcode: ping, payload: bytes(125) }),
  bad('2.5 a ping of 126 bytes', 1002, 0, { opcode: ping, payload: bytes(126) }),
  chopped(good('2.6 a ping of 125 bytes', 0, { opcode: ping, payload: bytes(125) }), 1),
  good('2.7 an unrequested pong', 0, { opcode: pong }),
  good('2.8 a pong with a payload', 0, { opcode: pong, payload: 'unasked' }),
  good(
    '2.9 a pong, then a ping',
    0,
    { opcode: pong, payload: 'unasked' },
    { opcode: ping, payload: 'asked' },
  ),
  good(
    '2.10 ten pings',
    0,
    ...Array.from({ length: 10 }, (_, n): Frame => ({ opcode: ping, payload: `no. ${n}` })),
  ),
  chopped(
    good(
      '2.11 ten pings',
      0,
      ...Array.from({ length: 10 }, (_, n): Frame => ({ opcode: ping, payload: `no. ${n}` })),
    ),
    1,
  ),
];

const reserved: Case[] = [
  ...[1, 2, 3, 4, 5, 6, 7].map((rsv) =>
    bad(`3.1 reserved bits ${rsv} after a good message`, 1002, 1, message('good'), {
      ...message('odd'),
      rsv,
    }),
  ),
  ...[1, 2, 4].map((rsv) => bad(`3.2 reserved bits ${rsv} in a ping`, 1002, 0, { opcode: ping, rsv })),
  ...[1, 2, 4].map((rsv) =>
    bad(`3.3 reserved bits ${rsv} in a close`, 1002, 0, { opcode: close, payload: closing(1000), rsv }),
  ),
  chopped(
    bad('3.4 reserved bits 5 after a good message', 1002, 1, message('good'), { ...message('odd'), rsv: 5 }),
    1,
  ),
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode) =>
    bad(
      `4 the reserved opcode ${opcode}`,
      1002,
      1,
      message('good'),
      { opcode, payload: 'reserved' },
      { opcode: ping },
    ),
  ),
  ...[3, 11].map((opcode) => bad(`4 the reserved opcode ${opcode} without a payload`, 1002, 0, { opcode })),
];

const fragments: Case[] = [
  bad('5.1 a ping in two fragments', 1002, 0, part('frag', ping), last('ment')),
  bad('5.2 a pong in two fragments', 1002, 0, part('frag', pong), last('ment')),
  good('5.3 a text in two fragments', 1, part('frag', text), last('ment')),
  ...[1, 3].map((size) =>
    chopped(good('5.4 a text in two fragments', 1, part('frag', text), last('ment')), size),
  ),
  good(
    '5.6 a ping between two fragments',
    1,
    part('frag', text),
    { opcode: ping, payload: 'between' },
    last('ment'),
  ),
  chopped(
    good(
      '5.7 a ping between two fragments',
      1,
      part('frag', text),
      { opcode: ping, payload: 'between' },
      last('ment'),
    ),
    1,
  ),
  good(
    '5.8 a pong between two fragments',
    1,
    part('frag', text),
    { opcode: pong, payload: 'between' },
    last('ment'),
  ),
  bad('5.9 a continuation of nothing that ends', 1002, 0, last('lone'), message('after')),
  bad('5.10 a lone continuation that is not the last', 1002, 0, part('lone'), message('after')),
  chopped(bad('5.11 a continuation of nothing', 1002, 0, last('lone'), message('after')), 1),
  bad('5.12 a continuation after a whole message', 1002, 1, message('whole'), last('lone')),
  bad(
    '5.15 a continuation after the last fragment',
    1002,
    1,
    part('frag', text),
    last('ment'),
    part('lone'),
    message('x'),
  ),
  ...[text, binary].map((opcode) =>
    bad(`5.16 a new message (opcode ${opcode}) within a fragmented one`, 1002, 0, part('frag', text), {
      opcode,
      payload: 'new',
    }),
  ),
  bad('5.18 two beginnings', 1002, 0, part('frag', text), part('frag', text)),
  good(
    '5.19 five fragments and two pings',
    1,
    ...[part('one', text), part('two'), { opcode: ping, payload: 'a' }, part('three'), part('four')],
    ...[{ opcode: ping, payload: 'b' }, last('five')],
  ),
  good('5.20 empty fragments', 1, part('', text), part(''), last('')),
  good('5.21 an empty beginning and end', 1, part('', binary), part('middle'), last('')),
  good(
    '5.22 two hundred fragments of one byte',
    1,
    part('x', text),
    ...Array.from({ length: 198 }, () => part('x')),
    last('x'),
  ),
];

/** A close frame with this payload; what comes back is its code, or 1002 or 1007 where it is not allowed. */
function closes(name: string, payload: Buffer | string, answer: number): Case {
  return {
    name,
    bytes: () => [encode({ opcode: close, payload })],
    finish: 'wait',
    closes: answer,
    echoes: 0,
  };
}

const GOOD_CODES = [
  1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999,
];
const BAD_CODES = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535];

const closings: Case[] = [
  good('7.1.1 a message, then a close', 1, message('last')),
  { ...good('7.1.2 two closes', 0), bytes: () => [encode({ opcode: close, payload: closing(1000) })] },
  {
    ...good('7.1.3 a ping after the close', 0),
    finish: 'wait',
    bytes: () => [close, ping].map((opcode) => encode({ opcode })),
    closes: 1005,
  },
  {
    ...good('7.1.4 a message after the close', 0),
    finish: 'wait',
    bytes: () => [encode({ opcode: close }), encode(message('late'))],
    closes: 1005,
  },
  {
    ...good('7.1.5 a close within a message', 0),
    finish: 'close',
    bytes: () => [encode(part('frag', text))],
  },
  closes('7.3.1 a close without a payload', '', 1005),
  closes('7.3.2 a close with half a code', '\x03', 1002),
  closes('7.3.3 a close with a code alone', closing(1000), 1000),
  closes('7.3.4 a close with a reason', closing(1000, 'Hello World!'), 1000),
  closes('7.3.5 a close with the longest reason', closing(1000, stars(123)), 1000),
  closes('7.3.6 a close with too long a reason', closing(1000, stars(124)), 1002),
  closes(
    '7.5.1 a close whose reason is no UTF-8',
    closing(1000, Buffer.from('cebae1bdb9cf83ceedа080', 'hex')),
    1007,
  ),
  ...GOOD_CODES.map((code) => closes(`7.7 close code ${code}`, closing(code), code)),
  ...BAD_CODES.map((code) => closes(`7.9 close code ${code}`, closing(code), 1002)),
  {
    name: '7.13 an end without a close',
    bytes: () => [encode(message('last'))],
    finish: 'end',
    closes: 1006,
    echoes: 1,
  },
  {
    name: '7.14 an end within a frame',
    bytes: () => [encode(message('torn')).subarray(0, 7)],
    finish: 'end',
    closes: 1006,
    echoes: 0,
  },
];

export const BASIC_CASES: readonly Case[] = [...framing, ...pings, ...reserved, ...fragments, ...closings];
