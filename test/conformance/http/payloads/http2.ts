import type { Http2Payload } from '../http2-course.ts';
import { INNER, type Right } from '../payload.ts';

/** Requests of HTTP/2 that would become two in HTTP/1, or another's (RFC 9113 §8.2, §8.3, §10.3). */
type Field = [name: string, value: string];
type Parts = Partial<Record<'method' | 'scheme' | 'authority' | 'path', string>>;

function http2(
  name: string,
  right: Right,
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
  const meant =
    right === 'refused' || right === 'elsewhere'
      ? []
      : [{ method, target: path, body: (rest.data ?? []).join('') }];
  return { name, right, pieces: [], meant, fields, ...rest };
}

const field = (name: string, right: Right, ...more: Field[]) => http2(name, right, {}, more);
const post = (name: string, right: Right, more: Field[], ...data: string[]) =>
  http2(name, right, { method: 'POST' }, more, { data });
const path = (name: string, right: Right, text: string) => http2(name, right, { path: text });
const raw = (name: string, right: Right, ...fields: Field[]): Http2Payload => ({
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
  post('HTTP/2: a length that is too small', 'refused', [['content-length', '2']], 'hello'),
  post('HTTP/2: a length of zero and a request as the body', 'refused', [['content-length', '0']], INNER),
  post('HTTP/2: a length that is too large', 'refused', [['content-length', '9']], 'hello'),
  post(
    'HTTP/2: two lengths',
    'refused',
    [
      ['content-length', '5'],
      ['content-length', '50'],
    ],
    'hello',
  ),
  post('HTTP/2: a list of lengths', 'refused', [['content-length', '5, 5']], 'hello'),
  post('HTTP/2: a signed length', 'refused', [['content-length', '+5']], 'hello'),
  post('HTTP/2: a length that is no number', 'refused', [['content-length', 'x']], 'hello'),
  post('HTTP/2: a length with an underscore in its name', 'refused', [['content_length', '5']], 'hello'),
  post('HTTP/2: a coding', 'refused', [['transfer-encoding', 'chunked']], `0\r\n\r\n${INNER}`),
  post(
    'HTTP/2: a coding and a length',
    'refused',
    [
      ['transfer-encoding', 'chunked'],
      ['content-length', '5'],
    ],
    '0\r\n\r\n',
  ),
  post('HTTP/2: a coding of identity', 'refused', [['transfer-encoding', 'identity']], 'hello'),
  post(
    'HTTP/2: a coding with an underscore',
    'refused',
    [['transfer_encoding', 'chunked']],
    `0\r\n\r\n${INNER}`,
  ),
  post(
    'HTTP/2: a coding with a blank in its name',
    'either',
    [['transfer-encoding ', 'chunked']],
    `0\r\n\r\n${INNER}`,
  ),
  field('HTTP/2: connection', 'refused', ['connection', 'close']),
  field('HTTP/2: keep-alive', 'refused', ['keep-alive', 'timeout=5']),
  field('HTTP/2: proxy-connection', 'refused', ['proxy-connection', 'close']),
  field('HTTP/2: upgrade', 'refused', ['upgrade', 'websocket']),
  field('HTTP/2: te with trailers', 'one', ['te', 'trailers']),
  field('HTTP/2: te with chunked', 'refused', ['te', 'chunked']),
  // A field that cannot be is left out, or refused with its request.
  field('HTTP/2: CR LF in a value', 'either', ['x', `y\r\nz: 1\r\n\r\n${INNER}`]),
  field('HTTP/2: LF in a value', 'either', ['x', 'y\nz: 1']),
  field('HTTP/2: CR in a value', 'either', ['x', 'y\rz: 1']),
  field('HTTP/2: NUL in a value', 'either', ['x', 'y\0z']),
  field('HTTP/2: a control in a value', 'either', ['x', 'y\x01z']),
  field('HTTP/2: DEL in a value', 'either', ['x', 'y\x7fz']),
  field('HTTP/2: a high byte in a value', 'either', ['x', 'y\xe9']),
  field('HTTP/2: a value of blanks', 'either', ['x', '   ']),
  field('HTTP/2: a blank before a value', 'either', ['x', ' y']),
  field('HTTP/2: CR LF in a name', 'either', ['x\r\ny', 'z']),
  field('HTTP/2: a coding in a name', 'either', ['x: y\r\ntransfer-encoding', 'chunked']),
  field('HTTP/2: a colon in a name', 'either', ['x:y', 'z']),
  field('HTTP/2: a blank in a name', 'either', ['x y', 'z']),
  field('HTTP/2: a blank after a name', 'either', ['x ', 'z']),
  field('HTTP/2: a NUL in a name', 'either', ['x\0', 'z']),
  field('HTTP/2: a high byte in a name', 'either', ['x\xe9', 'z']),
  field('HTTP/2: upper case in a name', 'refused', ['X-Upper', 'z']),
  field('HTTP/2: an empty name', 'either', ['', 'z']),
  path('HTTP/2: a blank in the path', 'refused', '/x HTTP/1.1'),
  path('HTTP/2: a request line in the path', 'refused', `/x HTTP/1.1\r\nHost: {host}\r\n\r\n${INNER}`),
  path('HTTP/2: LF in the path', 'refused', '/x\ny'),
  path('HTTP/2: a tab in the path', 'refused', '/x\ty'),
  path('HTTP/2: NUL in the path', 'refused', '/x\0'),
  path('HTTP/2: a fragment in the path', 'either', '/x#y'),
  path('HTTP/2: a high byte in the path', 'either', '/x\xe9'),
  path('HTTP/2: an empty path', 'refused', ''),
  path('HTTP/2: a path without a slash', 'refused', 'x'),
  path('HTTP/2: an absolute path of another host', 'refused', 'http://other.test/x'),
  path('HTTP/2: an asterisk', 'refused', '*'),
  path('HTTP/2: two slashes', 'one', '//other.test/x'),
  http2('HTTP/2: a blank in the method', 'refused', { method: 'GET /inner HTTP/1.1' }),
  http2('HTTP/2: a request line in the method', 'refused', {
    method: `GET /inner HTTP/1.1\r\nHost: a\r\n\r\nGET`,
  }),
  http2('HTTP/2: an empty method', 'refused', { method: '' }),
  http2('HTTP/2: a method that nobody knows', 'either', { method: 'FROB' }),
  http2('HTTP/2: CR LF in the scheme', 'refused', { scheme: 'https\r\nx: y' }),
  http2('HTTP/2: a request in the scheme', 'either', { scheme: 'http://inner.test/?' }),
  http2('HTTP/2: another scheme', 'either', { scheme: 'http' }),
  http2('HTTP/2: CR LF in the authority', 'refused', { authority: '{host}\r\nx: y' }),
  http2('HTTP/2: a blank in the authority', 'refused', { authority: '{host} x' }),
  http2('HTTP/2: a user in the authority', 'refused', { authority: 'user@{host}' }),
  http2('HTTP/2: a path in the authority', 'refused', { authority: '{host}/y' }),
  http2('HTTP/2: two authorities in one', 'refused', { authority: '{host},other.test' }),
  http2('HTTP/2: an empty authority', 'refused', { authority: '' }),
  field('HTTP/2: the same host', 'one', ['host', '{host}']),
  field('HTTP/2: another host', 'refused', ['host', 'other.test']),
  field('HTTP/2: two hosts', 'refused', ['host', '{host}'], ['host', '{host}']),
  raw('HTTP/2: a host alone', 'either', M, S, P, ['host', '{host}']),
  raw('HTTP/2: neither authority nor host', 'refused', M, S, P),
  raw('HTTP/2: two methods', 'refused', M, M, S, A, P),
  raw('HTTP/2: two paths', 'refused', M, S, A, P, [':path', '/y']),
  raw('HTTP/2: two authorities', 'refused', M, S, A, [':authority', 'other.test'], P),
  raw('HTTP/2: two schemes', 'refused', M, S, [':scheme', 'http'], A, P),
  raw('HTTP/2: no method', 'refused', S, A, P),
  raw('HTTP/2: no path', 'refused', M, S, A),
  raw('HTTP/2: no scheme', 'refused', M, A, P),
  raw('HTTP/2: a pseudo-header after the others', 'refused', M, S, A, ['x', 'y'], P),
  raw('HTTP/2: a pseudo-header that nobody knows', 'refused', M, S, A, P, [':x', 'y']),
  raw('HTTP/2: a status', 'refused', M, S, A, P, [':status', '200']),
  raw('HTTP/2: a protocol without CONNECT', 'refused', M, S, A, P, [':protocol', 'websocket']),
  raw('HTTP/2: CONNECT', 'refused', [':method', 'CONNECT'], A),
  raw('HTTP/2: CONNECT with a path', 'refused', [':method', 'CONNECT'], S, A, P),
  field('HTTP/2: many cookies', 'one', ['cookie', 'a=1'], ['cookie', 'b=2'], ['cookie', 'c=3']),
  field(
    'HTTP/2: what the proxy sets',
    'one',
    ['x-spawner-backend', 'forged'],
    ['x-forwarded-for', '1.2.3.4'],
  ),
  field('HTTP/2: a header of 15,000 bytes', 'either', ['x', 'y'.repeat(15_000)]),
  http2('HTTP/2: trailers', 'one', { method: 'POST' }, [], { data: ['hello'], trailers: [['x-sum', '1']] }),
  http2('HTTP/2: trailers with a coding', 'either', { method: 'POST' }, [], {
    data: ['hello'],
    trailers: [['transfer-encoding', 'chunked']],
  }),
  http2('HTTP/2: trailers with a length', 'either', { method: 'POST' }, [], {
    data: ['hello'],
    trailers: [['content-length', '50']],
  }),
  http2('HTTP/2: trailers with a path', 'either', { method: 'POST' }, [], {
    data: ['hello'],
    trailers: [[':path', '/y']],
  }),
  http2('HTTP/2: trailers with CR LF', 'either', { method: 'POST' }, [], {
    data: ['hello'],
    trailers: [['x', `y\r\n\r\n${INNER}`]],
  }),
  http2('HTTP/2: a HEAD with a body', 'either', { method: 'HEAD' }, [], { data: ['hello'] }),
  http2('HTTP/2: a DELETE with a request as its body', 'either', { method: 'DELETE' }, [], { data: [INNER] }),
  http2('HTTP/2: a GET with a body', 'either', {}, [], { data: ['hello'] }),
  { ...post('HTTP/2: a body that is cut off', 'refused', [], 'hello'), reset: true },
  {
    ...post('HTTP/2: a body with a length that is cut off', 'refused', [['content-length', '10']], 'hello'),
    reset: true,
  },
];
