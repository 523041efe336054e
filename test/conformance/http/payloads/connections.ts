import { bytes, get, head, INNER, type Payload, post, type Right } from '../payload.ts';

/**
 * Pipelines, hop-by-hop headers, Expect, and upgrades with and without a body. Our choices:
 * - An empty line between two requests is ignored (RFC 9112 §2.2).
 * - `Expect: 100-continue` is answered in any case; every other expectation gets 417 (RFC 9110 §10.1.1).
 * - A WebSocket handshake is served if it is a GET without a body. Bytes behind it belong to the tunnel.
 * - Every other upgrade is ignored and its request served as it is (RFC 9110 §7.8).
 */
const x = { method: 'GET', target: '/x' };
const many = (count: number) => Array.from({ length: count }, (_, at) => at);
const HANDSHAKE = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];
const without = (name: string) => HANDSHAKE.filter((line) => !line.startsWith(name));
const handshake = (name: string, right: Right, lines: string[], more = '', method = 'GET'): Payload =>
  bytes(name, right, head(method, lines) + more);

export const CONNECTIONS: readonly Payload[] = [
  bytes('two requests at once', 'one', head('GET', []).repeat(2), [x, x]),
  bytes(
    'twenty requests at once',
    'one',
    many(20)
      .map((at) => `GET /${at} HTTP/1.1\r\nHost: {host}\r\n\r\n`)
      .join(''),
    many(20).map((at) => ({ target: `/${at}` })),
  ),
  bytes(
    'twenty requests at once, with and without bodies',
    'one',
    many(20)
      .map((at) =>
        at % 2
          ? `GET /${at} HTTP/1.1\r\nHost: {host}\r\n\r\n`
          : `POST /${at} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5\r\n\r\nhello`,
      )
      .join(''),
    many(20).map((at) => ({
      method: at % 2 ? 'GET' : 'POST',
      target: `/${at}`,
      body: at % 2 ? '' : 'hello',
    })),
  ),
  bytes(
    'a pipeline of a length, a coding and none',
    'one',
    `${head('POST', ['Content-Length: 5'])}hello${head('POST', ['Transfer-Encoding: chunked'])}3\r\nabc\r\n0\r\n\r\n${head('GET', [])}`,
    [{ body: 'hello' }, { body: 'abc' }, x],
  ),
  bytes(
    'a pipeline parted in the middle of a head',
    'one',
    [`${head('GET', [])}GET /y HT`, 'TP/1.1\r\nHo', 'st: {host}\r\n\r', '\n'],
    [x, { target: '/y' }],
  ),
  bytes('a request after one that closes', 'one', head('GET', ['Connection: close']) + INNER, [x]),
  bytes('a request after one of HTTP/1.0', 'one', `GET /x HTTP/1.0\r\nHost: {host}\r\n\r\n${INNER}`, [x]),
  {
    ...bytes(
      'a bad request after a good one',
      'one',
      `${head('GET', [])}GET /y HTTP/1.1\r\nHost : {host}\r\n\r\n`,
      [x],
    ),
    after: 400,
  },
  bytes(
    'a good request after a bad one',
    'refused',
    `GET /y HTTP/1.1\r\nHost: a, b\r\n\r\n${head('GET', [])}`,
  ),
  bytes(
    'a good request after one with two hosts',
    'refused',
    `GET /y HTTP/1.1\r\nHost: {host}\r\nHost: {host}\r\n\r\n${head('GET', [])}`,
  ),
  bytes(
    'a good request after one with a body and two hosts',
    'refused',
    `POST /y HTTP/1.1\r\nHost: {host}\r\nHost: {host}\r\nContent-Length: ${INNER.length}\r\n\r\n${INNER}${head('GET', [])}`,
  ),
  bytes('an empty line between two requests', 'one', `${head('GET', [])}\r\n${head('GET', [])}`, [x, x]),
  bytes('a LF between two requests', 'one', `${head('POST', ['Content-Length: 0'])}\n${head('GET', [])}`, [
    { method: 'POST' },
    x,
  ]),
  get('Connection that names a header', 'one', 'Connection: x-secret', 'X-Secret: 1'),
  get(
    'Connection that names what the proxy sets',
    'one',
    'Connection: x-forwarded-for, x-spawner-backend, x-forwarded-proto',
  ),
  get('Connection that names itself', 'one', 'Connection: connection'),
  get('Connection twice', 'one', 'Connection: keep-alive', 'Connection: close'),
  get('Connection with close and keep-alive', 'one', 'Connection: close, keep-alive'),
  get('Connection that is no list of tokens', 'one', 'Connection: "close"; x=y'),
  get('Proxy-Connection', 'one', 'Proxy-Connection: close'),
  get('Keep-Alive', 'one', 'Keep-Alive: timeout=1, max=1'),
  get('TE with trailers', 'one', 'TE: trailers'),
  get('TE with chunked', 'one', 'TE: chunked'),
  get('Trailer', 'one', 'Trailer: Content-Length'),
  get('Max-Forwards', 'one', 'Max-Forwards: 0'),
  get(
    'headers that the proxy sets',
    'one',
    'X-Spawner-Backend: forged',
    'X-Spawner-User: admin',
    'X_Spawner_User: admin',
    'X-Forwarded-For: 1.2.3.4',
  ),
  post('Expect with a body', 'one', ['Expect: 100-continue', 'Content-Length: 5'], 'hello'),
  post('Expect in mixed case', 'one', ['Expect: 100-CONTINUE', 'Content-Length: 5'], 'hello'),
  post(
    'Expect with a chunked body',
    'one',
    ['Expect: 100-continue', 'Transfer-Encoding: chunked'],
    '5\r\nhello\r\n0\r\n\r\n',
    'hello',
  ),
  get('Expect without a body', 'one', 'Expect: 100-continue'),
  post(
    'Expect twice',
    'refused 417',
    ['Expect: 100-continue', 'Expect: 100-continue', 'Content-Length: 5'],
    'hello',
  ),
  post('Expect with an unknown value', 'refused 417', ['Expect: 200-ok', 'Content-Length: 5'], 'hello'),
  post(
    'Expect with a value before it',
    'refused 417',
    ['Expect: y 100-continue', 'Content-Length: 5'],
    'hello',
  ),
  post('Expect that is empty', 'refused 417', ['Expect:', 'Content-Length: 5'], 'hello'),
  bytes(
    'Expect with a body that waits',
    'one',
    [head('POST', ['Expect: 100-continue', 'Content-Length: 5']), 'hel', 'lo'],
    [{ body: 'hello' }],
  ),
  bytes(
    'Expect in HTTP/1.0',
    'one',
    'POST /x HTTP/1.0\r\nHost: {host}\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello',
    [{ body: 'hello' }],
  ),
  handshake('a WebSocket handshake', 'one 101', HANDSHAKE),
  handshake('a handshake as Firefox sends it', 'one 101', [
    'Connection: keep-alive, Upgrade',
    ...without('Connection'),
  ]),
  handshake('a handshake in odd cases', 'one 101', [
    'connection: UPGRADE',
    'upgrade: WebSocket',
    ...HANDSHAKE.slice(2),
  ]),
  handshake('a handshake and a request behind it', 'one 101', HANDSHAKE, INNER),
  handshake('a handshake with a length of zero', 'one 101', [...HANDSHAKE, 'Content-Length: 0']),
  handshake('a handshake with a body', 'refused', [...HANDSHAKE, 'Content-Length: 5'], 'hello'),
  handshake(
    'a handshake with a request as its body',
    'refused',
    [...HANDSHAKE, `Content-Length: ${INNER.length}`],
    INNER,
  ),
  handshake(
    'a handshake with a chunked body',
    'refused',
    [...HANDSHAKE, 'Transfer-Encoding: chunked'],
    '5\r\nhello\r\n0\r\n\r\n',
  ),
  handshake('a handshake with POST', 'refused', HANDSHAKE, '', 'POST'),
  handshake(
    'a handshake with POST and a body',
    'refused',
    [...HANDSHAKE, 'Content-Length: 5'],
    'hello',
    'POST',
  ),
  bytes(
    'a handshake in HTTP/1.0',
    'refused',
    `GET /x HTTP/1.0\r\nHost: {host}\r\n${HANDSHAKE.map((line) => `${line}\r\n`).join('')}\r\n`,
    [x],
  ),
  get('a handshake without a key that the backend refuses', 'one', ...without('Sec-WebSocket-Key')),
  {
    ...get(
      'a handshake of another version that the backend refuses',
      'one 426',
      ...without('Sec-WebSocket-Version'),
      'Sec-WebSocket-Version: 7',
    ),
    script: () =>
      'HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13\r\nContent-Length: 4\r\n\r\nnope',
  },
  {
    ...bytes(
      'a request behind a handshake that the backend refuses',
      'one 403',
      head('GET', HANDSHAKE) + INNER,
    ),
    script: () => 'HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nnope',
  },
  get('an upgrade that Connection does not name', 'one', 'Upgrade: websocket', ...HANDSHAKE.slice(2)),
  get('Connection with upgrade alone', 'one', 'Connection: Upgrade'),
  get(
    'two protocols to upgrade to',
    'one',
    ...['Connection: Upgrade', 'Upgrade: websocket, h2c', ...HANDSHAKE.slice(2)],
  ),
  get(
    'two Upgrade headers',
    'one',
    ...['Connection: Upgrade', 'Upgrade: h2c', 'Upgrade: websocket', ...HANDSHAKE.slice(2)],
  ),
  get(
    'h2c',
    'one',
    'Connection: Upgrade, HTTP2-Settings',
    'Upgrade: h2c',
    'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA',
  ),
  get(
    'h2c that Connection does not name',
    'one',
    'Connection: close',
    'Upgrade: h2c',
    'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA',
  ),
  get('an upgrade to TLS', 'one', 'Connection: Upgrade', 'Upgrade: TLS/1.0'),
  post(
    'h2c with a body',
    'one',
    [
      'Connection: Upgrade, HTTP2-Settings',
      'Upgrade: h2c',
      'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA',
      'Content-Length: 5',
    ],
    'hello',
  ),
  bytes(
    'h2c and the preface of HTTP/2 behind it',
    'one',
    `${head('GET', ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA'])}PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n`,
    [x],
  ),
];
