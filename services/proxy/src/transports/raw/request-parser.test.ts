import { mayBecomeHead } from '../../edge/header-lines.ts';
import { mayBecomeRequest, RawRequest, readRequest } from './request-parser.ts';

const HOST = 'Host: a.test';

const peer = (trusted: boolean) => ({
  remoteAddress: '192.0.2.1',
  trusted,
  tls: false,
  connection: { once: () => {} },
});

/** A head of these lines, as the raw transport reads it. */
const read = (...lines: string[]) => readRequest(lines.map((line) => `${line}\r\n`).join(''), peer(false));
const get = (...lines: string[]) => read('GET / HTTP/1.1', HOST, ...lines);

describe('readRequest', () => {
  it('takes a plain request, and what of it crosses as it came', () => {
    const text = 'GET /a/b?c=%20d HTTP/1.1\r\nHost: a.test:8000\r\nAccept: */*\r\nX-Empty:\r\n';
    const request = readRequest(text, peer(false));
    expect(request).toBeInstanceOf(RawRequest);
    expect(request).toMatchObject({
      method: 'GET',
      path: '/a/b?c=%20d',
      host: 'a.test:8000',
      lines: text,
      length: 0,
      close: false,
      upgrade: false,
    });
    expect(['accept', 'x-empty', 'cookie'].map((name) => request?.header(name))).toEqual([
      '*/*',
      '',
      undefined,
    ]);
  });

  it('leaves out what belongs to this hop, what is ours, and what only trusted addresses may say', () => {
    const request = get(
      'Connection: keep-alive',
      'X-Kept: 1',
      'Keep-Alive: timeout=5',
      'X-Spawner-User: admin',
      'x_spawner_user: admin',
      'X-Forwarded-For: 6.6.6.6',
      'X_Forwarded_For: 6.6.6.6',
      'Forwarded: for=6.6.6.6',
      'X-Real-IP: 6.6.6.6',
      'Accept: */*',
    );
    expect(request?.lines).toBe('GET / HTTP/1.1\r\nHost: a.test\r\nX-Kept: 1\r\nAccept: */*\r\n');
  });

  it('keeps what a trusted address says', () => {
    const text = `GET / HTTP/1.1\r\n${HOST}\r\nX-Forwarded-For: 1.2.3.4\r\nX-Real-IP: 9.9.9.9\r\n`;
    const request = readRequest(text, peer(true));
    expect(request?.header('x-forwarded-for')).toBe('1.2.3.4');
    expect(request?.lines).toBe(`GET / HTTP/1.1\r\n${HOST}\r\nX-Real-IP: 9.9.9.9\r\n`);
    expect(readRequest(`${text}x-forwarded-for: 5.6.7.8\r\n`, peer(true))).toBeUndefined();
  });

  it('reads the length of the body and the wish to close', () => {
    expect(read('POST / HTTP/1.1', HOST, 'content-length: 12', 'Connection: Close')).toMatchObject({
      length: 12,
      close: true,
    });
  });

  it.each(['Upgrade', 'keep-alive, Upgrade', 'upgrade ,\tkeep-alive'])(
    'takes a WebSocket handshake with `Connection: %s`',
    (connection) => {
      expect(get(`Connection: ${connection}`, 'Upgrade: websocket')).toMatchObject({
        upgrade: true,
        lines: `GET / HTTP/1.1\r\n${HOST}\r\n`,
      });
    },
  );

  it.each([
    ['no host', ['GET / HTTP/1.1', 'Accept: */*']],
    ['nothing but a request line', ['GET / HTTP/1.1']],
    ['two hosts', ['GET / HTTP/1.1', HOST, HOST]],
    ['a host that is no name', ['GET / HTTP/1.1', 'Host: a.test/b']],
    ['a host with credentials', ['GET / HTTP/1.1', 'Host: u@a.test']],
    ['an empty host', ['GET / HTTP/1.1', 'Host:']],
    ['HTTP/1.0', ['GET / HTTP/1.0', HOST]],
    ['another version', ['GET / HTTP/1.10', HOST]],
    ['a lower-case method', ['get / HTTP/1.1', HOST]],
    ['an unknown method', ['BREW / HTTP/1.1', HOST]],
    ['CONNECT', ['CONNECT a.test:1 HTTP/1.1', HOST]],
    ['the absolute form', ['GET http://a.test/ HTTP/1.1', HOST]],
    ['the asterisk form', ['OPTIONS * HTTP/1.1', HOST]],
    ['two spaces', ['GET  / HTTP/1.1', HOST]],
    ['a space in the target', ['GET /a b HTTP/1.1', HOST]],
    ['a fragment', ['GET /#a HTTP/1.1', HOST]],
    ['a target that is not ASCII', ['GET /\xe9 HTTP/1.1', HOST]],
    ['a space before the colon', ['GET / HTTP/1.1', HOST, 'X-A : 1']],
    ['a name that is no token', ['GET / HTTP/1.1', HOST, 'X(A): 1']],
    ['no name', ['GET / HTTP/1.1', HOST, ': 1']],
    ['no colon', ['GET / HTTP/1.1', HOST, 'X-A']],
    ['a folded line', ['GET / HTTP/1.1', HOST, 'X-A: 1', ' 2']],
    ['a bare LF', ['GET / HTTP/1.1', HOST, 'X-A: 1\nX-B: 2']],
    ['a bare CR', ['GET / HTTP/1.1', HOST, 'X-A: 1\rX-B: 2']],
    ['a NUL', ['GET / HTTP/1.1', HOST, 'X-A: \0']],
    ['a DEL', ['GET / HTTP/1.1', HOST, 'X-A: \x7f']],
    ['chunked', ['POST / HTTP/1.1', HOST, 'Transfer-Encoding: chunked']],
    ['a disguised chunked', ['POST / HTTP/1.1', HOST, 'tRANSFER-eNCODING: x']],
    ['two lengths', ['POST / HTTP/1.1', HOST, 'Content-Length: 1', 'Content-Length: 1']],
    ['a list of lengths', ['POST / HTTP/1.1', HOST, 'Content-Length: 1, 1']],
    ['a signed length', ['POST / HTTP/1.1', HOST, 'Content-Length: +1']],
    ['a padded length', ['POST / HTTP/1.1', HOST, 'Content-Length: 01']],
    ['an empty length', ['POST / HTTP/1.1', HOST, 'Content-Length:']],
    ['a hexadecimal length', ['POST / HTTP/1.1', HOST, 'Content-Length: 0x1']],
    ['a length that no number holds', ['POST / HTTP/1.1', HOST, 'Content-Length: 9999999999999999']],
    ['Expect', ['POST / HTTP/1.1', HOST, 'Expect: 100-continue', 'Content-Length: 1']],
    ['TE', ['GET / HTTP/1.1', HOST, 'TE: trailers']],
    ['Trailer', ['GET / HTTP/1.1', HOST, 'Trailer: X-A']],
    ['what is for a proxy', ['GET / HTTP/1.1', HOST, 'Proxy-Connection: keep-alive']],
    ['a header named by Connection', ['GET / HTTP/1.1', HOST, 'Connection: X-A', 'X-A: 1']],
    ['a disguised option', ['GET / HTTP/1.1', HOST, 'Connection: \xa0close']],
    ['two Connection headers', ['GET / HTTP/1.1', HOST, 'Connection: close', 'Connection: close']],
    ['another upgrade', ['GET / HTTP/1.1', HOST, 'Connection: Upgrade', 'Upgrade: h2c']],
    ['an upgrade that Connection does not name', ['GET / HTTP/1.1', HOST, 'Upgrade: websocket']],
    ['an upgrade to nothing', ['GET / HTTP/1.1', HOST, 'Connection: Upgrade']],
    [
      'an upgrade with a body',
      ['GET / HTTP/1.1', HOST, 'Connection: Upgrade', 'Upgrade: websocket', 'Content-Length: 1'],
    ],
    ['an upgrade by POST', ['POST / HTTP/1.1', HOST, 'Connection: Upgrade', 'Upgrade: websocket']],
    ['two of what readers choose from', ['GET / HTTP/1.1', HOST, 'Content-Type: a/b', 'content-type: c/d']],
    ['a hundred and more lines', ['GET / HTTP/1.1', HOST, ...Array.from({ length: 100 }, () => 'X-A: 1')]],
  ])("leaves %s to Node's parser", (_what, lines) => {
    expect(read(...lines)).toBeUndefined();
  });

  it('wants every line to end', () => {
    expect(readRequest(`GET / HTTP/1.1\r\n${HOST}\r\n`, peer(false))).toBeDefined();
    expect(readRequest(`GET / HTTP/1.1\r\n${HOST}\r`, peer(false))).toBeUndefined();
    expect(readRequest(`GET / HTTP/1.1\r\n${HOST}`, peer(false))).toBeUndefined();
  });
});

describe('mayBecomeHead', () => {
  it.each(['', 'G', 'GET / HTTP/1.1\r', 'GET / HTTP/1.1\r\nHost: a\r\n', `GET / HTTP/1.1\r\n${HOST}\r\n\r`])(
    'waits after %j',
    (text) => expect(mayBecomeHead(text)).toBe(true),
  );
  it.each(['\n', 'GET /\n', 'GET / HTTP/1.1\r\nHost: a\n\n', 'GET /\rX', '\x16\x03\x01', 'GET /\0'])(
    'does not wait after %j',
    (text) => expect(mayBecomeHead(text)).toBe(false),
  );
});

describe('mayBecomeRequest', () => {
  it.each([
    '',
    'G',
    'GET /x HTT',
    'GET /x HTTP/1.1\r',
    'GET /x HTTP/1.1\r\n',
    `POST /x HTTP/1.1\r\n${HOST}\r\nX-`,
    `POST /x HTTP/1.1\r\n${HOST}\r\nX: y\r`,
  ])('waits after %j', (text) => expect(mayBecomeRequest(text)).toBe(true));

  it.each([
    'hello',
    '#',
    'GETS',
    'FROB /x',
    'GET /x HTTP/1.0\r\n',
    'GET /x HTTP/1.1 \r\n',
    `GET /x HTTP/1.1\r\n${HOST}\r\n"\r\n`,
    `GET /x HTTP/1.1\r\n${HOST}\r\n folded: y\r\n`,
    `GET /x HTTP/1.1\r\nX : y\r\n${HOST}`,
  ])('does not wait after %j', (text) => expect(mayBecomeRequest(text)).toBe(false));
});
