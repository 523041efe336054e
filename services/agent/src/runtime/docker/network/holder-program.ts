/** Linux programs by the engine's name of the architecture: what the machine's code does is beside it. */
const PROGRAMS: Readonly<Record<string, Machine>> = {
  amd64: {
    number: 62,
    // mov eax, 34 (pause); syscall; jmp to the start.
    code: [0xb8, 0x22, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xf7],
  },
  arm64: {
    number: 183,
    // movz x0 to x4, 0; movz x8, 73 (ppoll without descriptors and time limit); svc 0; b to the start.
    code: [
      0xd2800000, 0xd2800001, 0xd2800002, 0xd2800003, 0xd2800004, 0xd2800928, 0xd4000001, 0x17fffff9,
    ].flatMap(littleEndian32),
  },
};

interface Machine {
  /** `e_machine` in the header (elf(5)). */
  readonly number: number;
  readonly code: readonly number[];
}

const LOADED_AT = 0x400000;
const FILE_HEADER_BYTES = 64;
const SEGMENT_HEADER_BYTES = 56;
const BLOCK_BYTES = 512;

/**
 * The program of a holder: it waits until SIGKILL. It is written here as bytes, so that no machine needs a package or a
 * registry for it, and it uses a page of memory. Returns undefined if there is none for this architecture.
 */
export function holderProgram(architecture: string): Buffer | undefined {
  const machine = PROGRAMS[architecture];
  return machine && Buffer.concat([headers(machine), Buffer.from(machine.code)]);
}

/** The file header and one segment, which has the whole file and may be read and executed (elf(5)). */
function headers({ number, code }: Machine): Buffer {
  const begin = FILE_HEADER_BYTES + SEGMENT_HEADER_BYTES;
  const size = BigInt(begin + code.length);
  const bytes = Buffer.alloc(begin);
  // 64 bits, little-endian, version 1.
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  bytes.writeUInt16LE(2, 16); // an executable
  bytes.writeUInt16LE(number, 18);
  bytes.writeUInt32LE(1, 20); // version
  bytes.writeBigUInt64LE(BigInt(LOADED_AT + begin), 24); // entry
  bytes.writeBigUInt64LE(BigInt(FILE_HEADER_BYTES), 32); // offset of the segment's header
  bytes.writeUInt16LE(FILE_HEADER_BYTES, 52);
  bytes.writeUInt16LE(SEGMENT_HEADER_BYTES, 54);
  bytes.writeUInt16LE(1, 56); // one segment
  const segment = FILE_HEADER_BYTES;
  bytes.writeUInt32LE(1, segment); // to be loaded
  bytes.writeUInt32LE(5, segment + 4); // readable and executable
  bytes.writeBigUInt64LE(BigInt(LOADED_AT), segment + 16); // virtual address
  bytes.writeBigUInt64LE(BigInt(LOADED_AT), segment + 24); // physical address
  bytes.writeBigUInt64LE(size, segment + 32); // in the file
  bytes.writeBigUInt64LE(size, segment + 40); // in memory
  bytes.writeBigUInt64LE(0x1000n, segment + 48); // alignment
  return bytes;
}

/** A tar archive (POSIX ustar) with one executable file. */
export function tarOf(name: string, content: Buffer): Buffer {
  const header = Buffer.alloc(BLOCK_BYTES);
  const field = (text: string, at: number) => header.write(text, at, 'latin1');
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, '0')}\0`;
  field(name, 0);
  field(octal(0o555, 7), 100);
  field(octal(0, 7), 108); // owner
  field(octal(0, 7), 116); // group
  field(octal(content.length, 11), 124);
  field(octal(0, 11), 136); // time
  field(' '.repeat(8), 148); // the checksum counts as blanks while it is computed
  field('0', 156); // a plain file
  field('ustar\0', 257);
  field('00', 263);
  field(
    `${octal(
      header.reduce((sum, byte) => sum + byte, 0),
      6,
    )} `,
    148,
  );
  const padding = Buffer.alloc((BLOCK_BYTES - (content.length % BLOCK_BYTES)) % BLOCK_BYTES);
  const end = Buffer.alloc(2 * BLOCK_BYTES);
  return Buffer.concat([header, content, padding, end]);
}

function littleEndian32(word: number): number[] {
  return [0, 8, 16, 24].map((shift) => (word >>> shift) & 0xff);
}
