import { bytes, chunked, head, INNER, type Payload, type Right } from '../payload.ts';

/**
 * Chunked bodies (RFC 9112 §7.1): sizes, extensions, line ends and trailers that readers take differently. Our choices:
 * - Blanks around a size are refused. The old grammar had none, and readers differ about them.
 * - An extension is served if it is a name or `name=value`, quoted or not, and dropped on the way. A large one gets 413.
 * - A trailer that frames a message is refused; another one is served, and large trailers get 431.
 * - A size that fits 64 bits and a missing end are unfinished bodies: they wait until the body timeout.
 */
const END = '0\r\n\r\n';
/** A body of one chunk whose size line is this. */
const size = (name: string, right: Right, line: string, meant = 'hello') =>
  chunked(name, right, `${line}\r\nhello\r\n${END}`, meant);
const trailer = (name: string, right: Right, lines: string) =>
  chunked(name, right, `5\r\nhello\r\n0\r\n${lines}\r\n`, 'hello');

export const CHUNKS: readonly Payload[] = [
  size('one chunk', 'one', '5'),
  chunked('two chunks', 'one', `3\r\nhel\r\n2\r\nlo\r\n${END}`, 'hello'),
  chunked('no chunk', 'one', END),
  bytes(
    'a chunk in many packets',
    'one',
    [head('POST', ['Transfer-Encoding: chunked']), '5\r', '\nhe', 'llo', '\r', '\n0\r\n', '\r\n'],
    [{ body: 'hello' }],
  ),
  chunked('a size in upper-case hexadecimal', 'one', `A\r\nhellohello\r\n${END}`, 'hellohello'),
  chunked('a size in lower-case hexadecimal', 'one', `a\r\nhellohello\r\n${END}`, 'hellohello'),
  size('a size with leading zeros', 'one', '0005'),
  size('a size with very many leading zeros', 'one', `${'0'.repeat(300)}5`),
  size('a size with 0x', 'refused', '0x5'),
  size('a size with 0X', 'refused', '0X5'),
  size('a size with a plus', 'refused', '+5'),
  size('a size with a minus', 'refused', '-5'),
  size('a size with an underscore', 'refused', '0_5'),
  size('a size in quotes', 'refused', '"5"'),
  size('a size with a point', 'refused', '5.0'),
  size('a size with a comma', 'refused', '5,5'),
  size('a size with a letter that is no digit', 'refused', '5g'),
  size('a size with an h', 'refused', '5h'),
  size('a size after a blank', 'refused', ' 5'),
  size('a size after a tab', 'refused', '\t5'),
  size('a size before a blank', 'refused', '5 '),
  size('a size before a tab', 'refused', '5\t'),
  size('a size before many blanks', 'refused', `5${' '.repeat(500)}`),
  size('a size before a vertical tab', 'refused', '5\x0b'),
  size('a size before a NUL', 'refused', '5\0'),
  size('a size before a high byte', 'refused', '5\xa0'),
  size('an empty size', 'refused', ''),
  size('a size that 64 bits cannot hold', 'refused', '10000000000000005'),
  size('a size that 32 bits cannot hold', 'waits', '100000005'),
  size('a size of sixteen f', 'waits', 'f'.repeat(16)),
  size('a size of a hundred digits', 'refused', '5'.repeat(100)),
  chunked('no size but a request', 'refused', INNER),
  size('an extension', 'one', '5;a=b'),
  size('an extension without a value', 'one', '5;a'),
  size('an empty extension', 'refused', '5;'),
  size('an extension in quotes', 'one', '5;a="b c"'),
  size('an extension with a semicolon in quotes', 'one', '5;a="b;c"'),
  size('an extension with a quote that stays open', 'refused', '5;a="b'),
  size('blanks round an extension', 'refused', '5 ; a = b'),
  size('an extension of 1,000 bytes', 'one', `5;${'a'.repeat(1_000)}`),
  size('an extension of 20,000 bytes', 'refused 413', `5;${'a'.repeat(20_000)}`),
  size('an extension with a bare LF', 'refused', '5;a\nb'),
  size('an extension with a bare CR', 'refused', '5;a\rb'),
  size('an extension with a NUL', 'refused', '5;a\0b'),
  chunked('an extension whose LF hides a chunk', 'refused', `5;\nhello\r\n0\r\n\r\n${INNER}\r\n${END}`),
  chunked('an extension with CR LF in quotes', 'refused', `5;a="\r\nhello"\r\n${END}`),
  chunked('an extension of the last chunk', 'one', '5\r\nhello\r\n0;a=b\r\n\r\n', 'hello'),
  chunked('a LF after the size', 'refused', `5\nhello\r\n${END}`),
  chunked('a CR after the size', 'refused', `5\rhello\r\n${END}`),
  chunked('a CR and something else after the size', 'refused', `5\rXhello\r\n${END}`),
  chunked('LF CR after the size', 'refused', `5\n\rhello\r\n${END}`),
  chunked('a LF after the data', 'refused', `5\r\nhello\n${END}`),
  chunked('a CR after the data', 'refused', `5\r\nhello\r${END}`),
  chunked('nothing after the data', 'refused', `5\r\nhello${END}`),
  chunked('two other bytes after the data', 'refused', `5\r\nhelloXX${END}`),
  chunked('more data than its size', 'refused', `5\r\nhello####\r\n${END}`),
  chunked('less data than its size', 'refused', `8\r\nhello\r\n${END}`),
  chunked('a LF at the very end', 'refused', '5\r\nhello\r\n0\r\n\n'),
  chunked('a LF after the last size', 'refused', '5\r\nhello\r\n0\n\r\n'),
  chunked('LF everywhere', 'refused', '5\nhello\n0\n\n'),
  chunked('a last chunk of many zeros', 'one', '5\r\nhello\r\n00000000\r\n\r\n', 'hello'),
  chunked('a last chunk that is missing', 'waits', '5\r\nhello\r\n', 'hello'),
  chunked('an end that is missing', 'waits', '5\r\nhello\r\n0\r\n', 'hello'),
  chunked('empty lines between chunks', 'refused', `5\r\nhello\r\n\r\n\r\n${END}`),
  trailer('a trailer', 'one', 'X-Sum: 1\r\n'),
  trailer('a trailer with a length', 'refused', 'Content-Length: 300\r\n'),
  trailer('a trailer with a coding', 'refused', 'Transfer-Encoding: chunked\r\n'),
  trailer('a trailer with a host', 'one', 'Host: other.test\r\n'),
  trailer(
    'a trailer with what the proxy says of the caller',
    'one',
    'X-Forwarded-For: 1.2.3.4\r\nX-Spawner-Backend: x\r\n',
  ),
  trailer('a trailer without a colon', 'refused', 'trailer\r\n'),
  trailer('a trailer with a blank before the colon', 'refused', 'X : 1\r\n'),
  trailer('a trailer that is folded', 'refused', 'X: 1\r\n 2\r\n'),
  trailer('a trailer with a bare LF', 'refused', 'X: 1\nY: 2\r\n'),
  trailer('a trailer with a NUL', 'refused', 'X: 1\0\r\n'),
  trailer('trailers of 40,000 bytes', 'refused 431', `X: ${'a'.repeat(40_000)}\r\n`),
  trailer('ten thousand trailers', 'refused 431', 'X: 1\r\n'.repeat(10_000)),
  trailer('a request as its trailer', 'refused', 'GET /inner HTTP/1.1\r\nHost: inner.test\r\n'),
];
