/** Chapter 6 of the Autobahn list: UTF-8 that is well formed, that is not, and that is split within a code point. */
import { bad, type Case, chopped, good } from './case.ts';
import { type Frame, OPCODE } from './frame.ts';

const { text, continuation } = OPCODE;
const hex = (digits: string) => Buffer.from(digits.replaceAll(' ', ''), 'hex');
const KOSME = 'cebae1bdb9cf83cebcceb5';

const GOOD: Readonly<Record<string, string>> = {
  Greek: KOSME,
  'Greek between Latin': `48656c6c6f2dc2b540c39fc3b6c3a4c3bcc3a0c3a12d5554462d382121`,
  'the first code point of 1 byte': '00',
  'the first of 2 bytes': 'c280',
  'the first of 3 bytes': 'e0a080',
  'the first of 4 bytes': 'f0908080',
  'the last of 1 byte': '7f',
  'the last of 2 bytes': 'dfbf',
  'the last of 3 bytes': 'efbfbf',
  'the last of all': 'f48fbfbf',
  'the last before the surrogates': 'ed9fbf',
  'the first after the surrogates': 'ee8080',
  'a replacement character': 'efbfbd',
  'a non-character': 'efbfbe',
  'a byte order mark': 'efbbbf',
  'a non-character of 4 bytes': 'f09fbfbe',
};

const BAD: Readonly<Record<string, string>> = {
  'Greek with a surrogate in it': `${KOSME}eda080656469746564`,
  'a code point beyond the last': `${KOSME}f490808080`,
  'the first of 5 bytes': 'f888808080',
  'the first of 6 bytes': 'fc8480808080',
  'the last of 4 bytes': 'f7bfbfbf',
  'the last of 5 bytes': 'fbbfbfbfbf',
  'the last of 6 bytes': 'fdbfbfbfbfbf',
  'one past the last code point': 'f4908080',
  'a lone continuation byte': '80',
  'another lone continuation byte': 'bf',
  'two continuation bytes': '80bf',
  'seven continuation bytes': '80bf80bf80bf80',
  'a lone start of 2 bytes': 'c020',
  'a lone start of 3 bytes': 'e020',
  'a lone start of 4 bytes': 'f020',
  'a code point of 2 bytes that ends early': 'c2',
  'a code point of 3 bytes that ends early': 'e080',
  'a code point of 4 bytes that ends early': 'f08080',
  'an impossible byte fe': 'fe',
  'an impossible byte ff': 'ff',
  'an overlong slash of 2 bytes': 'c0af',
  'an overlong slash of 3 bytes': 'e080af',
  'an overlong slash of 4 bytes': 'f08080af',
  'an overlong zero': 'c080',
  'the longest overlong of 2 bytes': 'c1bf',
  'the longest overlong of 3 bytes': 'e09fbf',
  'the longest overlong of 4 bytes': 'f08fbfbf',
  'a high surrogate': 'eda080',
  'a low surrogate': 'edbfbf',
  'a pair of surrogates': 'eda080edb080',
};

function fragmented(bytes: Buffer): Frame[] {
  return [...bytes].map((byte, at) => ({
    opcode: at === 0 ? text : continuation,
    payload: Buffer.from([byte]),
    fin: at === bytes.length - 1,
  }));
}

const torn = (before: string, after: string): Frame[] => [
  { opcode: text, payload: hex(before), fin: false },
  { opcode: continuation, payload: hex(after) },
];

export const TEXT_CASES: readonly Case[] = [
  good(
    '6.1 three empty fragments',
    1,
    { opcode: text, fin: false },
    { opcode: continuation, fin: false },
    { opcode: continuation },
  ),
  good(
    '6.1.3 a text between empty fragments',
    1,
    { opcode: text, fin: false },
    { opcode: continuation, payload: 'middle', fin: false },
    { opcode: continuation },
  ),
  ...Object.entries(GOOD).map(([what, digits]) =>
    good(`6 ${what}`, 1, { opcode: text, payload: hex(digits) }),
  ),
  ...Object.entries(GOOD)
    .filter(([, digits]) => digits.length > 2)
    .map(([what, digits]) => good(`6 ${what}, a fragment for each byte`, 1, ...fragmented(hex(digits)))),
  chopped(good('6.2.4 Greek', 1, { opcode: text, payload: hex(KOSME) }), 1),
  ...Object.entries(BAD).map(([what, digits]) =>
    bad(`6 ${what}`, 1007, 0, { opcode: text, payload: hex(digits) }),
  ),
  bad(
    '6.3.2 a surrogate, a fragment for each byte',
    1007,
    0,
    ...fragmented(hex(`${KOSME}eda080656469746564`)),
  ),
  bad(
    '6.4.1 a code point that breaks in the second fragment',
    1007,
    0,
    ...torn(`${KOSME}f4`, '908080656469746564'),
  ),
  good('6.4.3 a code point over two fragments', 1, ...torn(`${KOSME}f0`, '9f9880')),
  chopped(bad('6.4.4 a bad code point', 1007, 0, { opcode: text, payload: hex(`${KOSME}f490808080`) }), 1),
  bad(
    '6.5 a good text, then a bad one',
    1007,
    1,
    { opcode: text, payload: hex(KOSME) },
    { opcode: text, payload: hex('80') },
  ),
  good('6.6 bytes that are no text, in a binary message', 1, {
    opcode: OPCODE.binary,
    payload: hex('80bffeff'),
  }),
];
