import { bytes, head, INNER, type Payload, post, type Right } from '../payload.ts';

/**
 * Content-Length: repeated, different, signed, in other bases, too large. Our choices:
 * - A repeated length is refused even if its values are equal; RFC 9112 §6.3 allows both.
 * - Leading zeros are served, because every reader takes them as decimal.
 * - A header that is `Content-Length` with an underscore is refused, because CGI makes the two names one.
 * - A length that a double or 32 bits cannot hold is an unfinished body: it waits until the body timeout.
 * - Bytes behind a whole request are refused without harm to its answer.
 */
const BODY = INNER.padEnd(60, '#').slice(0, 60);
const of = (name: string, right: Right, ...lines: string[]) => post(name, right, lines, 'hello');

export const LENGTHS: readonly Payload[] = [
  of('a plain length', 'one', 'Content-Length: 5'),
  of('a length in lower case', 'one', 'content-length:5'),
  of('a length with blanks round it', 'one', 'Content-Length: \t 5 \t'),
  of('two equal lengths', 'refused', 'Content-Length: 5', 'Content-Length: 5'),
  of('two equal lengths in one line', 'refused', 'Content-Length: 5, 5'),
  post('two lengths, the first larger', 'refused', ['Content-Length: 60', 'Content-Length: 5'], BODY),
  post('two lengths, the second larger', 'refused', ['Content-Length: 5', 'Content-Length: 60'], BODY),
  post('two lengths, one of them zero', 'refused', ['Content-Length: 0', 'Content-Length: 60'], BODY),
  post('two lengths in one line', 'refused', ['Content-Length: 5, 60'], BODY),
  post('two lengths parted by a blank', 'refused', ['Content-Length: 5 60'], BODY),
  post('two lengths in different cases', 'refused', ['Content-Length: 60', 'CONTENT-LENGTH: 5'], BODY),
  of('a length with a plus', 'refused', 'Content-Length: +5'),
  of('a length with a minus', 'refused', 'Content-Length: -5'),
  of('a length of minus zero', 'refused', 'Content-Length: -0'),
  of('a length in hexadecimal', 'refused', 'Content-Length: 0x5'),
  of('a length with a hexadecimal digit', 'refused', 'Content-Length: 5a'),
  of('a length with an exponent', 'refused', 'Content-Length: 5e0'),
  of('a length with a point', 'refused', 'Content-Length: 5.0'),
  of('a length with an underscore', 'refused', 'Content-Length: 0_5'),
  of('a length with a comma at its end', 'refused', 'Content-Length: 5,'),
  of('a length with a semicolon', 'refused', 'Content-Length: 5;'),
  of('a length in quotes', 'refused', 'Content-Length: "5"'),
  of('a length with a high byte', 'refused', 'Content-Length: 5\xb2'),
  of('a length with a NUL', 'refused', 'Content-Length: 5\0'),
  of('a length after a vertical tab', 'refused', 'Content-Length: \x0b5'),
  of('a length that is no number', 'refused', 'Content-Length: five'),
  of('an empty length', 'refused', 'Content-Length:'),
  of('a length with leading zeros', 'one', 'Content-Length: 0005'),
  of('a length with a blank before the colon', 'refused', 'Content-Length : 5'),
  of('a length with a tab before the colon', 'refused', 'Content-Length\t: 5'),
  of('a length after a blank', 'refused', ' Content-Length: 5'),
  of('a folded length', 'refused', 'Content-Length:\r\n 5'),
  of('a length folded in its digits', 'refused', 'Content-Length: 5\r\n 0'),
  of('a length with an underscore in its name', 'refused', 'Content-Length: 5', 'Content_Length: 300'),
  post('a length with an underscore in its name, alone', 'refused', ['Content_Length: 60'], BODY, ''),
  of('a length that 64 bits cannot hold', 'refused', 'Content-Length: 18446744073709551621'),
  of('a length that 32 bits cannot hold', 'waits', 'Content-Length: 4294967301'),
  of('a length of forty digits', 'refused', `Content-Length: ${'9'.repeat(40)}`),
  of('a length that a double cannot hold', 'waits', 'Content-Length: 9007199254740993'),
  of('a length that has not all come', 'waits', 'Content-Length: 6'),
  bytes(
    'a body in pieces',
    'one',
    [head('POST', ['Content-Length: 10']), 'hel', 'lo', 'world'],
    [{ body: 'helloworld' }],
  ),
  {
    ...bytes('more than its length', 'one', `${head('POST', ['Content-Length: 5'])}hello#####`, [
      { body: 'hello' },
    ]),
    after: 400,
  },
  { ...bytes('a body without a length', 'one', `${head('POST', [])}hello`, [{ body: '' }]), after: 400 },
  bytes(
    'a request as its body',
    'one',
    `${head('POST', [`Content-Length: ${BODY.length}`])}${BODY.slice(0, 60)}`,
    [{ body: BODY }],
  ),
];
