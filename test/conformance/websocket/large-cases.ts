/** Chapters 9 and 10 of the Autobahn list: large messages, whole, in fragments, in small pieces. */
import { type Case, chopped, good } from './case.ts';
import { encode, type Frame, OPCODE } from './frame.ts';

const KIB = 1 << 10;
const MIB = 1 << 20;
const { continuation, text, binary } = OPCODE;
const filled = (size: number) => Buffer.alloc(size, 'The quick brown fox jumps over the lazy dog. ');
const sizeName = (size: number) => (size >= MIB ? `${size / MIB} MiB` : `${size / KIB} KiB`);

/** Made when it is played, so that the list of cases stays small. */
function large(name: string, opcode: number, size: number): Case {
  return { ...good(name, 1), bytes: () => [encode({ opcode, payload: filled(size) })] };
}

function* fragments(opcode: number, size: number, each: number): Iterable<Buffer> {
  const data = filled(size);
  const batch: Buffer[] = [];
  for (let at = 0; at < size; at += each) {
    const fin = at + each >= size;
    const frame: Frame = {
      opcode: at === 0 ? opcode : continuation,
      payload: data.subarray(at, at + each),
      fin,
    };
    batch.push(encode(frame));
    if (fin || batch.length * each >= 64 * KIB) yield Buffer.concat(batch.splice(0));
  }
}

const SIZES = [64 * KIB, 256 * KIB, MIB, 4 * MIB, 8 * MIB, 16 * MIB];
const FRAGMENTS = [64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB];

export const LARGE_CASES: readonly Case[] = [
  ...SIZES.map((size) => large(`9.1 a text of ${sizeName(size)}`, text, size)),
  ...SIZES.map((size) => large(`9.2 ${sizeName(size)}`, binary, size)),
  ...[text, binary].flatMap((opcode) =>
    FRAGMENTS.map((each) => ({
      ...good(`9.${opcode + 2} 1 MiB (opcode ${opcode}) in fragments of ${each}`, 1),
      bytes: () => fragments(opcode, MIB, each),
    })),
  ),
  { ...good('9.4 16 MiB in fragments of 1 MiB', 1), bytes: () => fragments(binary, 16 * MIB, MIB) },
  ...[256, KIB, 16 * KIB].map((size) => chopped(large('9.5 a text of 256 KiB', text, 256 * KIB), size)),
  ...[0, 16, 1_024, 16_384].map((size) => ({
    ...good(`9.7 a hundred messages of ${size} bytes`, 100),
    bytes: () => Array.from({ length: 100 }, () => encode({ opcode: binary, payload: filled(size) })),
  })),
  { ...good('10.1 64 KiB in fragments of 1300', 1), bytes: () => fragments(text, 64 * KIB, 1_300) },
];
