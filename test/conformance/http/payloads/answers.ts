import { answered, bytes, head, type Payload, post } from '../payload.ts';

/**
 * Answers of a backend that could be taken for two, or for none: the client and later clients must not notice. Choices:
 * - An odd head whose meaning is clear crosses in a plain form. An ambiguous one, or bytes that are no HTTP, become 502.
 * - Bytes behind an answer are dropped with their connection. A line end before a status line is ignored.
 * - An answer that breaks in its body is broken off; the client must not take it for whole.
 * - A backend that sends only interim answers keeps its client waiting, as one that sends nothing does.
 */
const INNER = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\ninner';
const OK = 'HTTP/1.1 200 OK\r\n';
const HELLO = `${OK}Content-Length: 5\r\n\r\nhello`;
const CHUNKED = 'Transfer-Encoding: chunked\r\n';
const HEAD_ONLY = { method: 'HEAD' };

export const ANSWERS: readonly Payload[] = [
  answered('an answer with a length', 'one', HELLO),
  answered('an answer in chunks', 'one', `${OK}${CHUNKED}\r\n5\r\nhello\r\n0\r\n\r\n`),
  answered(
    'an answer with a length and a coding',
    'one',
    `${OK}Content-Length: 60\r\n${CHUNKED}\r\n5\r\nhello\r\n0\r\n\r\n${INNER}`,
  ),
  answered(
    'an answer with a coding and a shorter length',
    'one',
    `${OK}${CHUNKED}Content-Length: 3\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
  ),
  answered(
    'an answer with two lengths',
    'one 502',
    `${OK}Content-Length: 5\r\nContent-Length: 50\r\n\r\nhello${INNER}`,
  ),
  answered(
    'an answer with two equal lengths',
    'one',
    `${OK}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`,
  ),
  answered('an answer with a list of lengths', 'one 502', `${OK}Content-Length: 5, 50\r\n\r\nhello${INNER}`),
  answered('an answer with a signed length', 'one 502', `${OK}Content-Length: +5\r\n\r\nhello`),
  answered('an answer with a negative length', 'one 502', `${OK}Content-Length: -5\r\n\r\nhello`),
  answered(
    'an answer with a length that is too large',
    'one 502',
    `${OK}Content-Length: 99999999999999999999\r\n\r\nhello`,
  ),
  answered(
    'an answer with an odd coding',
    'one 502',
    `${OK}Transfer-Encoding: xchunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
  ),
  answered(
    'an answer with identity before chunked',
    'one 502',
    `${OK}Transfer-Encoding: identity, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
  ),
  answered(
    'an answer with a folded coding',
    'one',
    `${OK}Transfer-Encoding:\r\n chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
  ),
  answered(
    'an answer with a coding in disguise',
    'broken off',
    `${OK}Transfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\nhello`,
  ),
  answered('an answer with bare LF', 'one', 'HTTP/1.1 200 OK\nContent-Length: 5\n\nhello'),
  answered('an answer with a NUL in a value', 'one 502', `${OK}X: y\0z\r\nContent-Length: 5\r\n\r\nhello`),
  answered(
    'an answer with a bare CR in a value',
    'one 502',
    `${OK}X: y\rz\r\nContent-Length: 5\r\n\r\nhello`,
  ),
  answered(
    'an answer with a control in its reason',
    'one',
    'HTTP/1.1 200 O\x01K\r\nContent-Length: 5\r\n\r\nhello',
  ),
  answered('an answer without a reason', 'one', 'HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello'),
  answered('an answer with a bad status', 'one 502', 'HTTP/1.1 99 OK\r\nContent-Length: 5\r\n\r\nhello'),
  answered(
    'an answer with a status of four digits',
    'one 502',
    'HTTP/1.1 2000 OK\r\nContent-Length: 5\r\n\r\nhello',
  ),
  answered('an answer of another protocol', 'one 502', 'ICY 200 OK\r\nContent-Length: 5\r\n\r\nhello'),
  answered('an answer of HTTP/2', 'one 502', 'HTTP/2.0 200 OK\r\nContent-Length: 5\r\n\r\nhello'),
  answered(
    'an answer with a head that is too large',
    'one 502',
    `${OK}X: ${'y'.repeat(100_000)}\r\nContent-Length: 5\r\n\r\nhello`,
  ),
  answered('two answers to one request', 'one', HELLO + INNER),
  answered('an answer with more than its length', 'one', `${HELLO}#####`),
  answered(
    'an answer in chunks and another one',
    'one',
    `${OK}${CHUNKED}\r\n5\r\nhello\r\n0\r\n\r\n${INNER}`,
  ),
  answered(
    'an answer in chunks with trailers',
    'broken off',
    `${OK}${CHUNKED}\r\n5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n`,
  ),
  answered('an answer with a bad chunk size', 'broken off', `${OK}${CHUNKED}\r\n0x5\r\nhello\r\n0\r\n\r\n`),
  answered(
    'an answer with a chunk that is too long',
    'broken off',
    `${OK}${CHUNKED}\r\n5\r\nhello####\r\n0\r\n\r\n`,
  ),
  answered('an answer with LF in its chunks', 'broken off', `${OK}${CHUNKED}\r\n5\nhello\n0\n\n`),
  answered('an answer to HEAD', 'one', `${OK}Content-Length: 5\r\n\r\n`, HEAD_ONLY),
  answered('an answer to HEAD with a body', 'one', HELLO, HEAD_ONLY),
  answered(
    'an answer to HEAD with another answer as its body',
    'one',
    `${OK}Content-Length: ${INNER.length}\r\n\r\n${INNER}`,
    HEAD_ONLY,
  ),
  answered('an answer to HEAD in chunks', 'one', `${OK}${CHUNKED}\r\n5\r\nhello\r\n0\r\n\r\n`, HEAD_ONLY),
  answered(
    'a 204 with a body',
    'one 204',
    `HTTP/1.1 204 No Content\r\nContent-Length: ${INNER.length}\r\n\r\n${INNER}`,
  ),
  answered('a 204 in chunks', 'one 204', `HTTP/1.1 204 No Content\r\n${CHUNKED}\r\n5\r\nhello\r\n0\r\n\r\n`),
  answered(
    'a 304 with a body',
    'one 304',
    `HTTP/1.1 304 Not Modified\r\nContent-Length: ${INNER.length}\r\n\r\n${INNER}`,
  ),
  answered(
    'a 304 in chunks',
    'one 304',
    `HTTP/1.1 304 Not Modified\r\n${CHUNKED}\r\n5\r\nhello\r\n0\r\n\r\n`,
  ),
  answered('a 205 with a body', 'one 205', 'HTTP/1.1 205 Reset Content\r\nContent-Length: 5\r\n\r\nhello'),
  answered('a 100 before the answer', 'one', `HTTP/1.1 100 Continue\r\n\r\n${HELLO}`),
  answered(
    'a 102 and a 103 before the answer',
    'one',
    `HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${HELLO}`,
  ),
  answered('a 103 with a length', 'one', `HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n${HELLO}`),
  answered('a flood of 100', 'one 502', `${'HTTP/1.1 100 Continue\r\n\r\n'.repeat(2_000)}${HELLO}`),
  answered('a 100 and no answer', 'waits', () => 'HTTP/1.1 100 Continue\r\n\r\n'),
  answered(
    'a 101 to a plain request',
    'one 502',
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n${INNER}`,
  ),
  answered(
    'a 101 to a plain request, to another protocol',
    'one 502',
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n',
  ),
  answered('a 101 without an upgrade', 'one 502', `HTTP/1.1 101 Switching Protocols\r\n\r\n${INNER}`),
  answered(
    'an answer of HTTP/1.0 with a coding',
    'one 502',
    `HTTP/1.0 200 OK\r\n${CHUNKED}\r\n5\r\nhello\r\n0\r\n\r\n`,
  ),
  answered(
    'an answer that Connection strips of its length',
    'one',
    `${OK}Connection: content-length\r\nContent-Length: 5\r\n\r\nhello`,
  ),
  answered(
    'an answer that Connection strips of its coding',
    'one',
    `${OK}Connection: transfer-encoding\r\n${CHUNKED}\r\n5\r\nhello\r\n0\r\n\r\n`,
  ),
  answered('an answer with a line end in front', 'one', `\r\n${HELLO}`),
  answered('an answer with rubbish in front', 'one 502', `#####${HELLO}`),
  answered('an answer with a space before a colon', 'one', `${OK}X : y\r\nContent-Length: 5\r\n\r\nhello`),
  answered('an answer with a folded value', 'one', `${OK}X: y\r\n z\r\nContent-Length: 5\r\n\r\nhello`),
  {
    ...bytes(
      'an answer before the body has come',
      'one',
      [head('POST', ['Content-Length: 60']), 'hello'],
      [{ body: '' }],
    ),
    early: HELLO,
  },
  {
    ...post('an answer that closes with a body under way', 'one', ['Content-Length: 5'], 'hello'),
    script: () => `${OK}Content-Length: 5\r\nConnection: close\r\n\r\nhello`,
  },
];
