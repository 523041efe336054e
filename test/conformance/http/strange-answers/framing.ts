import { CHUNKED, LENGTH, meant, OK, type StrangeAnswer } from './answer.ts';

const HEAD_OF_CHUNKS = `${OK}${CHUNKED}\r\n`;
const refused = (name: string, lines: string, body = 'hi', after?: 'end'): StrangeAnswer => ({
  name,
  pieces: [`${OK}${lines}\r\n${body}`],
  ...(after && { after }),
  right: 'refused',
});
/** Its meaning is clear, and nginx, HAProxy or Caddy take it, so it crosses in a plain form. */
const repaired = (name: string, lines: string, body = 'hi'): StrangeAnswer => ({
  name,
  pieces: [`${OK}${lines}\r\n${body}`],
  right: meant(),
});
const broken = (name: string, ...pieces: string[]): StrangeAnswer => ({ name, pieces, right: 'broken off' });
const CHUNKS = '2\r\nhi\r\n0\r\n\r\n';

/** Where a body ends (RFC 9112 §6, §7). */
export const FRAMING: readonly StrangeAnswer[] = [
  repaired('two equal lengths', `${LENGTH}${LENGTH}`),
  refused('two lengths that disagree', `${LENGTH}Content-Length: 3\r\n`),
  repaired('a list of equal lengths', 'Content-Length: 2, 2\r\n'),
  refused('a list of lengths that disagree', 'Content-Length: 2, 3\r\n'),
  repaired('the length "02"', 'Content-Length: 02\r\n'),
  ...['+2', '-2', '0x2', '2.0', '2 2', '', '99999999999999999999'].map((length) =>
    refused(`the length ${JSON.stringify(length)}`, `Content-Length: ${length}\r\n`, 'hi', 'end'),
  ),
  repaired('a length before a coding', `${LENGTH}${CHUNKED}`, CHUNKS),
  repaired('a length after a coding', `${CHUNKED}${LENGTH}`, CHUNKS),
  refused('a second coding', 'Transfer-Encoding: gzip, chunked\r\n', CHUNKS),
  refused('another coding', 'Transfer-Encoding: gzip\r\n', 'hi', 'end'),
  repaired('identity beside a length', `Transfer-Encoding: identity\r\n${LENGTH}`),
  refused('chunked twice', `${CHUNKED}${CHUNKED}`, CHUNKS),
  refused('chunked and something more', 'Transfer-Encoding: chunked, gzip\r\n', CHUNKS, 'end'),
  refused('a coding with a control', 'Transfer-Encoding: \x0bchunked\r\n', CHUNKS, 'end'),
  {
    name: 'a coding in HTTP/1.0',
    pieces: [`HTTP/1.0 200 OK\r\n${CHUNKED}\r\n${CHUNKS}`],
    after: 'end',
    right: 'refused',
  },
  {
    name: 'chunked in capitals',
    pieces: [`${OK}Transfer-Encoding: CHUNKED\r\n\r\n${CHUNKS}`],
    right: meant(),
  },
  {
    name: 'chunk by chunk',
    pieces: [HEAD_OF_CHUNKS, '2', '\r', '\nhi', '\r\n0\r\n', '\r\n'],
    right: meant(),
  },
  { name: 'a chunk extension', pieces: [`${HEAD_OF_CHUNKS}2;a=b\r\nhi\r\n0\r\n\r\n`], right: meant() },
  {
    name: 'trailers',
    pieces: [`${OK}${CHUNKED}Trailer: X-T\r\n\r\n2\r\nhi\r\n0\r\nX-T: 1\r\n\r\n`],
    right: meant(),
  },
  broken('a chunk of another size', `${HEAD_OF_CHUNKS}1\r\nhi\r\n0\r\n\r\n`),
  ...['zz', '-2', '+2', '0x2', '', 'ffffffffffffffffff'].map((size) =>
    broken(`the chunk size ${JSON.stringify(size)}`, HEAD_OF_CHUNKS, `2\r\nhi\r\n${size}\r\nhi\r\n0\r\n\r\n`),
  ),
  broken('a bad chunk beside its head', `${HEAD_OF_CHUNKS}2\r\nhi\r\nzz\r\n`),
  broken('chunks with a bare LF', `${HEAD_OF_CHUNKS}2\nhi\n0\n\n`),
  broken('a bad trailer', HEAD_OF_CHUNKS, '2\r\nhi\r\n0\r\nX T\r\n\r\n'),
  broken('a length among the trailers', HEAD_OF_CHUNKS, '2\r\nhi\r\n0\r\nContent-Length: 9\r\n\r\n'),
  { ...broken('a chunk extension without end', HEAD_OF_CHUNKS, '2;'), forever: 'x'.repeat(1_000) },
  { ...broken('trailers without end', HEAD_OF_CHUNKS, '0\r\n'), forever: 'X-T: 1\r\n'.repeat(100) },
  { ...broken('an end within a chunk', HEAD_OF_CHUNKS, '5\r\nhi'), after: 'end' },
  { ...broken('an end before the last chunk', HEAD_OF_CHUNKS, '2\r\nhi\r\n'), after: 'end' },
  { ...broken('an end within the length', `${OK}Content-Length: 5\r\n\r\n`, 'hi'), after: 'end' },
  { ...broken('a reset within the length', `${OK}Content-Length: 5\r\n\r\n`, 'hi'), after: 'reset' },
  { ...broken('a reset where the close is the end', `${OK}\r\n`, 'hi'), after: 'reset' },
  { name: 'the close is the end', pieces: [`${OK}\r\nhi`], after: 'end', right: meant() },
  { name: 'the close is the end, later', pieces: [`${OK}\r\n`, 'h', 'i'], after: 'end', right: meant() },
  { name: 'HTTP/1.0', pieces: ['HTTP/1.0 200 OK\r\n\r\nhi'], after: 'end', right: meant() },
  {
    name: 'HTTP/1.0 that stays',
    pieces: [`HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n${LENGTH}\r\nhi`],
    right: meant(),
  },
  {
    name: 'bytes after the length',
    pieces: [`${OK}${LENGTH}\r\nhi${OK}Content-Length: 6\r\n\r\nothers`],
    right: meant(),
  },
  {
    name: 'bytes after the length, later',
    pieces: [`${OK}${LENGTH}\r\nhi`, `${OK}${LENGTH}\r\nno`],
    right: meant(),
  },
  {
    name: 'bytes after the last chunk',
    pieces: [`${HEAD_OF_CHUNKS}${CHUNKS}${OK}${LENGTH}\r\nno`],
    right: meant(),
  },
  {
    name: 'a 204 with a length',
    pieces: [`HTTP/1.1 204 No Content\r\n${LENGTH}\r\n`],
    right: meant({}, '', 204),
  },
  {
    name: 'a 204 with a body',
    pieces: [`HTTP/1.1 204 No Content\r\n${LENGTH}\r\nhi`],
    right: meant({}, '', 204),
  },
  {
    name: 'a 204 in chunks',
    pieces: [`HTTP/1.1 204 No Content\r\n${CHUNKED}\r\n${CHUNKS}`],
    right: meant({}, '', 204),
  },
  {
    name: 'a 304 with a length',
    pieces: ['HTTP/1.1 304 Not Modified\r\nContent-Length: 20\r\nETag: "a"\r\n\r\n'],
    right: meant({ etag: '"a"' }, '', 304),
  },
  {
    name: 'a 304 with a body',
    pieces: [`HTTP/1.1 304 Not Modified\r\n${LENGTH}\r\nhi`],
    right: meant({}, '', 304),
  },
  {
    name: 'a 304 in chunks',
    pieces: [`HTTP/1.1 304 Not Modified\r\n${CHUNKED}\r\n${CHUNKS}`],
    right: meant({}, '', 304),
  },
  ...[`${LENGTH}\r\n`, `${LENGTH}\r\nhi`, `${CHUNKED}\r\n`, `${CHUNKED}\r\n${CHUNKS}`, '\r\n'].map(
    (rest): StrangeAnswer => ({
      name: `to a HEAD, ${JSON.stringify(rest)}`,
      method: 'HEAD',
      pieces: [`${OK}${rest}`],
      right: meant({}, ''),
    }),
  ),
];
