import type { Http2Payload } from '../http2-course.ts';
import { INNER, type Right, rightOf, type StreamEnd } from '../payload.ts';

/**
 * Requests of HTTP/2 that would become two in HTTP/1, or another's (RFC 9113 §8.2, §8.3, §10.3). Our choices:
 * - A malformed request is a stream error, as the standard asks (§8.1.1). If DATA exceeds the length, nghttp2 ends the
 *   connection, which is allowed for any stream error (§5.4.1).
 * - A field whose name or value HTTP/1 cannot carry is left out and its request is served. nghttp2 drops it before our code
 *   runs, so it reaches no backend.
 * - A request that is well formed but ambiguous for a backend is answered with 400; CONNECT to a host with 501.
 */
type Http2Right = Right | Exclude<StreamEnd, 'answer' | 'lost'>;
type Field = [name: string, value: string];
type Parts = Partial<Record<'method' | 'scheme' | 'authority' | 'path', string>>;

function http2(
  name: string,
  right: Http2Right,
  parts: Parts,
  more: Field[] = [],
  rest: Pick<Http2Payload, 'data' | 'trailers'> = {},
): Http2Payload {
  const { method = 'GET', scheme = 'https', authority = '{host}', path = '/x' } = parts;
  const fields: Field[] = [
    [':method', method],
    [':scheme', scheme],
    [':authority', authority],
    [':path', path],
    ...more,
  ];
  const failed = right === 'stream error' || right === 'connection error' || right === 'own reset';
  const outcome = failed
    ? { right: 'refused' as const, status: undefined, end: right }
    : { ...rightOf(right), end: 'answer' as const };
  const body = (rest.data ?? []).join('');
  const meant = outcome.right === 'one' ? [{ method, target: path, body }] : [];
  return { name, ...outcome, pieces: [], meant, fields, ...rest };
}

const field = (name: string, right: Http2Right, ...more: Field[]) => http2(name, right, {}, more);
const post = (name: string, right: Http2Right, more: Field[], ...data: string[]) =>
  http2(name, right, { method: 'POST' }, more, { data });
const path = (name: string, right: Http2Right, text: string) => http2(name, right, { path: text });
const raw = (name: string, right: Http2Right, ...fields: Field[]): Http2Payload => ({
  ...http2(name, right, {}),
  fields,
});

const M: Field = [':method', 'GET'];
const S: Field = [':scheme', 'https'];
const A: Field = [':authority', '{host}'];
const P: Field = [':path', '/x'];

export const HTTP2: readonly Http2Payload[] = [
  http2('HTTP/2: a plain request', 'one', {}),
  post('HTTP/2: a body', 'one', [], 'hello'),
  post('HTTP/2: a body in frames', 'one', [['content-length', '10']], 'hello', 'world'),
  post('HTTP/2: a request as the body', 'one', [], INNER),
  post('HTTP/2: a length that is too small', 'connection error', [['content-length', '2']], 'hello'),
  post(
    'HTTP/2: a length of zero and a request as the body',
    'connection error',
    [['content-length', '0']],
    INNER,
  ),
  post('HTTP/2: a length that is too large', 'stream error', [['content-length', '9']], 'hello'),
  post(
    'HTTP/2: two lengths',
    'stream error',
    [
      ['content-length', '5'],
      ['content-length', '50'],
    ],
    'hello',
  ),
  post('HTTP/2: a list of lengths', 'stream error', [['content-length', '5, 5']], 'hello'),
  post('HTTP/2: a signed length', 'stream error', [['content-length', '+5']], 'hello'),
  post('HTTP/2: a length that is no number', 'stream error', [['content-length', 'x']], 'hello'),
  post('HTTP/2: a length with an underscore in its name', 'refused', [['content_length', '5']], 'hello'),
  post('HTTP/2: a coding', 'stream error', [['transfer-encoding', 'chunked']], `0\r\n\r\n${INNER}`),
  post(
    'HTTP/2: a coding and a length',
    'stream error',
    [
      ['transfer-encoding', 'chunked'],
      ['content-length', '5'],
    ],
    '0\r\n\r\n',
  ),
  post('HTTP/2: a coding of identity', 'stream error', [['transfer-encoding', 'identity']], 'hello'),
  post(
    'HTTP/2: a coding with an underscore',
    'refused',
    [['transfer_encoding', 'chunked']],
    `0\r\n\r\n${INNER}`,
  ),
  post(
    'HTTP/2: a coding with a blank in its name',
    'one',
    [['transfer-encoding ', 'chunked']],
    `0\r\n\r\n${INNER}`,
  ),
  field('HTTP/2: connection', 'stream error', ['connection', 'close']),
  field('HTTP/2: keep-alive', 'stream error', ['keep-alive', 'timeout=5']),
  field('HTTP/2: proxy-connection', 'stream error', ['proxy-connection', 'close']),
  field('HTTP/2: upgrade', 'stream error', ['upgrade', 'websocket']),
  field('HTTP/2: te with trailers', 'one', ['te', 'trailers']),
  field('HTTP/2: te with chunked', 'stream error', ['te', 'chunked']),
  field('HTTP/2: CR LF in a value', 'one', ['x', `y\r\nz: 1\r\n\r\n${INNER}`]),
  field('HTTP/2: LF in a value', 'one', ['x', 'y\nz: 1']),
  field('HTTP/2: CR in a value', 'one', ['x', 'y\rz: 1']),
  field('HTTP/2: NUL in a value', 'one', ['x', 'y\0z']),
  field('HTTP/2: a control in a value', 'one', ['x', 'y\x01z']),
  field('HTTP/2: DEL in a value', 'one', ['x', 'y\x7fz']),
  field('HTTP/2: a high byte in a value', 'one', ['x', 'y\xe9']),
  field('HTTP/2: a value of blanks', 'one', ['x', '   ']),
  field('HTTP/2: a blank before a value', 'one', ['x', ' y']),
  field('HTTP/2: CR LF in a name', 'one', ['x\r\ny', 'z']),
  field('HTTP/2: a coding in a name', 'one', ['x: y\r\ntransfer-encoding', 'chunked']),
  field('HTTP/2: a colon in a name', 'one', ['x:y', 'z']),
  field('HTTP/2: a blank in a name', 'one', ['x y', 'z']),
  field('HTTP/2: a blank after a name', 'one', ['x ', 'z']),
  field('HTTP/2: a NUL in a name', 'one', ['x\0', 'z']),
  field('HTTP/2: a high byte in a name', 'one', ['x\xe9', 'z']),
  field('HTTP/2: upper case in a name', 'stream error', ['X-Upper', 'z']),
  field('HTTP/2: an empty name', 'one', ['', 'z']),
  path('HTTP/2: a blank in the path', 'stream error', '/x HTTP/1.1'),
  path('HTTP/2: a request line in the path', 'stream error', `/x HTTP/1.1\r\nHost: {host}\r\n\r\n${INNER}`),
  path('HTTP/2: LF in the path', 'stream error', '/x\ny'),
  path('HTTP/2: a tab in the path', 'stream error', '/x\ty'),
  path('HTTP/2: NUL in the path', 'stream error', '/x\0'),
  path('HTTP/2: a fragment in the path', 'one', '/x#y'),
  path('HTTP/2: a high byte in the path', 'one', '/x\xe9'),
  path('HTTP/2: an empty path', 'stream error', ''),
  path('HTTP/2: a path without a slash', 'stream error', 'x'),
  path('HTTP/2: an absolute path of another host', 'stream error', 'http://other.test/x'),
  path('HTTP/2: an asterisk', 'stream error', '*'),
  path('HTTP/2: two slashes', 'one', '//other.test/x'),
  http2('HTTP/2: a blank in the method', 'stream error', { method: 'GET /inner HTTP/1.1' }),
  http2('HTTP/2: a request line in the method', 'stream error', {
    method: `GET /inner HTTP/1.1\r\nHost: a\r\n\r\nGET`,
  }),
  http2('HTTP/2: an empty method', 'stream error', { method: '' }),
  http2('HTTP/2: a method that is unknown', 'one', { method: 'FROB' }),
  http2('HTTP/2: CR LF in the scheme', 'stream error', { scheme: 'https\r\nx: y' }),
  http2('HTTP/2: a request in the scheme', 'stream error', { scheme: 'http://inner.test/?' }),
  http2('HTTP/2: another scheme', 'one', { scheme: 'http' }),
  http2('HTTP/2: CR LF in the authority', 'stream error', { authority: '{host}\r\nx: y' }),
  http2('HTTP/2: a blank in the authority', 'stream error', { authority: '{host} x' }),
  http2('HTTP/2: a user in the authority', 'stream error', { authority: 'user@{host}' }),
  http2('HTTP/2: a path in the authority', 'stream error', { authority: '{host}/y' }),
  http2('HTTP/2: two authorities in one', 'refused', { authority: '{host},other.test' }),
  http2('HTTP/2: an empty authority', 'stream error', { authority: '' }),
  field('HTTP/2: the same host', 'one', ['host', '{host}']),
  field('HTTP/2: another host', 'refused', ['host', 'other.test']),
  field('HTTP/2: two hosts', 'stream error', ['host', '{host}'], ['host', '{host}']),
  raw('HTTP/2: a host alone', 'one', M, S, P, ['host', '{host}']),
  raw('HTTP/2: neither authority nor host', 'stream error', M, S, P),
  raw('HTTP/2: two methods', 'stream error', M, M, S, A, P),
  raw('HTTP/2: two paths', 'stream error', M, S, A, P, [':path', '/y']),
  raw('HTTP/2: two authorities', 'stream error', M, S, A, [':authority', 'other.test'], P),
  raw('HTTP/2: two schemes', 'stream error', M, S, [':scheme', 'http'], A, P),
  raw('HTTP/2: no method', 'stream error', S, A, P),
  raw('HTTP/2: no path', 'stream error', M, S, A),
  raw('HTTP/2: no scheme', 'stream error', M, A, P),
  raw('HTTP/2: a pseudo-header after the others', 'stream error', M, S, A, ['x', 'y'], P),
  raw('HTTP/2: a pseudo-header that is unknown', 'stream error', M, S, A, P, [':x', 'y']),
  raw('HTTP/2: a status', 'stream error', M, S, A, P, [':status', '200']),
  raw('HTTP/2: a protocol without CONNECT', 'stream error', M, S, A, P, [':protocol', 'websocket']),
  raw('HTTP/2: CONNECT', 'refused 501', [':method', 'CONNECT'], A),
  raw('HTTP/2: CONNECT with a path', 'stream error', [':method', 'CONNECT'], S, A, P),
  field('HTTP/2: many cookies', 'one', ['cookie', 'a=1'], ['cookie', 'b=2'], ['cookie', 'c=3']),
  field(
    'HTTP/2: what the proxy sets',
    'one',
    ['x-spawner-backend', 'forged'],
    ['x-forwarded-for', '1.2.3.4'],
  ),
  field('HTTP/2: a header of 15,000 bytes', 'one', ['x', 'y'.repeat(15_000)]),
  http2('HTTP/2: trailers', 'one', { method: 'POST' }, [], { data: ['hello'], trailers: [['x-sum', '1']] }),
  http2('HTTP/2: trailers with a coding', 'stream error', { method: 'POST' }, [], {
    data: ['hello'],
    trailers: [['transfer-encoding', 'chunked']],
  }),
  http2('HTTP/2: trailers with a length', 'stream error', { method: 'POST' }, [], {
    data: ['hello'],
    trailers: [['content-length', '50']],
  }),
  http2('HTTP/2: trailers with a path', 'stream error', { method: 'POST' }, [], {
    data: ['hello'],
    trailers: [[':path', '/y']],
  }),
  http2('HTTP/2: trailers with CR LF', 'one', { method: 'POST' }, [], {
    data: ['hello'],
    trailers: [['x', `y\r\n\r\n${INNER}`]],
  }),
  http2('HTTP/2: a HEAD with a body', 'one', { method: 'HEAD' }, [], { data: ['hello'] }),
  http2('HTTP/2: a DELETE with a request as its body', 'one', { method: 'DELETE' }, [], { data: [INNER] }),
  http2('HTTP/2: a GET with a body', 'one', {}, [], { data: ['hello'] }),
  { ...post('HTTP/2: a body that is cut off', 'own reset', [], 'hello'), reset: true },
  {
    ...post('HTTP/2: a body with a length that is cut off', 'own reset', [['content-length', '10']], 'hello'),
    reset: true,
  },
];
