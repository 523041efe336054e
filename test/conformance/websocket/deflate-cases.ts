/** Chapters 12 and 13 of the Autobahn list: permessage-deflate (RFC 7692), its parameters, and what breaks it. */
import { constants, deflateRawSync } from 'node:zlib';
import { bad, type Case, chopped, good } from './case.ts';
import { encode, type Frame, OPCODE } from './frame.ts';

const { continuation, text, binary, ping } = OPCODE;
const RSV1 = 4;
const PLAIN = 'permessage-deflate';
const OFFERS = [
  PLAIN,
  `${PLAIN}; server_no_context_takeover`,
  `${PLAIN}; client_no_context_takeover`,
  `${PLAIN}; server_no_context_takeover; client_no_context_takeover`,
  `${PLAIN}; server_max_window_bits=9`,
  `${PLAIN}; server_max_window_bits=15; client_max_window_bits`,
  `${PLAIN}; client_max_window_bits=10`,
  `${PLAIN}; server_max_window_bits=9; server_no_context_takeover, ${PLAIN}`,
];
const SIZES = [0, 1, 126, 4_096, 131_072];

/** Repeats itself, but not so much that it compresses to nothing. */
function words(size: number): Buffer {
  const parts: string[] = [];
  for (let n = 0, length = 0; length < size; n++) {
    const part = `line ${n * 7_919} of many `;
    parts.push(part);
    length += part.length;
  }
  return Buffer.from(parts.join('')).subarray(0, size);
}

/** Fits every window, because it looks back at most 512 bytes; ends as RFC 7692 §7.2.1 says. */
function squeezed(data: Buffer): Buffer {
  const raw = deflateRawSync(data, { windowBits: 9, finishFlush: constants.Z_SYNC_FLUSH });
  return raw.subarray(0, raw.length - 4);
}

const message = (opcode: number, data: Buffer): Frame => ({ opcode, payload: squeezed(data), rsv: RSV1 });

function offered(one: Case, offer = PLAIN): Case {
  return { ...one, name: `${one.name} (${offer})`, offer };
}

const half = (data: Buffer, opcode: number): Frame[] => {
  const bytes = squeezed(data);
  const middle = bytes.length >> 1;
  return [
    { opcode, payload: bytes.subarray(0, middle), rsv: RSV1, fin: false },
    { opcode: ping, payload: 'between' },
    { opcode: continuation, payload: bytes.subarray(middle) },
  ];
};

export const DEFLATE_CASES: readonly Case[] = [
  ...OFFERS.flatMap((offer) =>
    SIZES.map((size) =>
      offered({ ...good(`12 ten messages of ${size} bytes`, 10), bytes: () => repeated(text, size) }, offer),
    ),
  ),
  ...OFFERS.map((offer) => offered(good('12 bytes', 1, message(binary, words(1_000))), offer)),
  ...[text, binary].map((opcode) =>
    offered(good(`12 two fragments (opcode ${opcode})`, 1, ...half(words(5_000), opcode))),
  ),
  offered(good('12 a message that is not compressed', 1, { opcode: text, payload: 'as it is' })),
  offered(chopped(good('12 a compressed message', 1, message(text, words(500))), 1)),
  offered({
    ...good('12 4 MiB of the same', 1),
    bytes: () => [encode(message(binary, Buffer.alloc(4 << 20)))],
  }),
  offered({
    ...bad('13 more than the backend takes, in few bytes', 1009, 0),
    bytes: bomb,
  }),
  offered(
    bad('13 bytes that are no deflate stream', 1007, 0, {
      opcode: text,
      payload: Buffer.alloc(64, 0xff),
      rsv: RSV1,
    }),
  ),
  offered(bad('13 compressed bytes that are no UTF-8', 1007, 0, message(text, Buffer.from([0x80, 0xbf])))),
  offered(bad('13 a compressed ping', 1002, 0, { opcode: ping, rsv: RSV1 })),
  offered(
    bad(
      '13 RSV1 in a continuation',
      1002,
      0,
      { ...message(text, words(90)), fin: false },
      { opcode: continuation, rsv: RSV1 },
    ),
  ),
  offered(bad('13 RSV2 beside RSV1', 1002, 0, { ...message(text, words(90)), rsv: 6 })),
  ...['x-webkit-deflate-frame', 'permessage-bzip2'].map((offer) =>
    offered(bad('13 nothing was agreed on', 1002, 0, message(text, words(90))), offer),
  ),
];

let made: Buffer | undefined;

function bomb(): Buffer[] {
  made ??= encode(message(binary, Buffer.alloc(33 << 20)));
  return [made];
}

function repeated(opcode: number, size: number): Buffer[] {
  return Array.from({ length: 10 }, () => encode(message(opcode, words(size))));
}
