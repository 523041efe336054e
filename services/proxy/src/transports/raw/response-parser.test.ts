import { readResponse } from './response-parser.ts';

const text = (...lines: string[]) => lines.map((line) => `${line}\r\n`).join('');
const read = (...lines: string[]) => readResponse(text(...lines), false, 'mydomain.test');
const OK = 'HTTP/1.1 200 OK';

describe('readResponse', () => {
  it('takes a plain answer, and leaves out what belongs to one hop', () => {
    const answer = read(
      OK,
      'Content-Type: text/plain',
      'Connection: keep-alive',
      'Keep-Alive: timeout=5',
      'Date: now',
      'Proxy-Authenticate: Basic',
      'Alt-Svc: h3=":443"',
      'Content-Length: 12',
    );
    expect(answer).toMatchObject({
      status: 200,
      text: text(OK, 'Content-Type: text/plain', 'Date: now', 'Content-Length: 12'),
      body: 'length',
      length: 12,
      close: false,
      keptMs: 5_000,
      dated: true,
      upgrades: false,
    });
  });

  it.each([
    ['a length', [OK, 'Content-Length: 0'], 'length'],
    ['chunks', [OK, 'Transfer-Encoding: Chunked'], 'chunked'],
    ['neither', [OK], 'close'],
    ['204', ['HTTP/1.1 204 No Content'], 'none'],
    ['304 with a length', ['HTTP/1.1 304 Not Modified', 'Content-Length: 5'], 'none'],
    ['103', ['HTTP/1.1 103 Early Hints', 'Link: </a>'], 'none'],
  ])('sees where the body ends: %s', (_what, lines, body) => {
    expect(read(...lines)?.body).toBe(body);
  });

  it('knows that no body follows a HEAD, and says nothing of chunks then', () => {
    const answer = readResponse(text(OK, 'Transfer-Encoding: chunked', 'X-A: 1'), true, 'mydomain.test');
    expect(answer).toMatchObject({ body: 'none', text: text(OK, 'X-A: 1') });
    expect(readResponse(text(OK, 'Content-Length: 5'), true, 'mydomain.test')).toMatchObject({
      body: 'none',
      text: text(OK, 'Content-Length: 5'),
    });
  });

  it('gives no length with 204', () => {
    expect(read('HTTP/1.1 204 No Content', 'Content-Length: 5')?.text).toBe(text('HTTP/1.1 204 No Content'));
  });

  it('speaks HTTP/1.1 for a backend that does not, and expects it to close', () => {
    expect(read('HTTP/1.0 200 OK', 'Content-Length: 1')).toMatchObject({
      close: true,
      text: text('HTTP/1.1 200 OK', 'Content-Length: 1'),
    });
    expect(read('HTTP/1.0 200 OK', 'Content-Length: 1', 'Connection: keep-alive')?.close).toBe(false);
    expect(read(OK, 'Content-Length: 1', 'Connection: close')?.close).toBe(true);
  });

  it('leaves out what Connection names, but never the framing', () => {
    const answer = read('HTTP/1.1 200', 'Connection: X-Hop, content-length', 'x-hop: 1', 'Content-Length: 2');
    expect(answer).toMatchObject({ text: text('HTTP/1.1 200', 'Content-Length: 2'), body: 'length' });
  });

  it('drops cookies that other backends would get', () => {
    const answer = read(OK, 'Set-Cookie: a=1', 'Set-Cookie: b=1; Domain=MyDomain.test', 'Content-Length: 0');
    expect(answer?.text).toBe(text(OK, 'Set-Cookie: a=1', 'Content-Length: 0'));
  });

  it('sees an agreement to speak WebSocket', () => {
    const lines = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: WebSocket', 'Sec-WebSocket-Accept: x'];
    expect(read(...lines, 'Connection: Upgrade')).toMatchObject({
      upgrades: true,
      text: text('HTTP/1.1 101 Switching Protocols', 'Sec-WebSocket-Accept: x'),
    });
    expect(read(...lines)?.upgrades).toBe(false);
    expect(read(lines[0] ?? '', 'Connection: Upgrade', 'Upgrade: x')?.upgradeTo).toBe('x');
  });

  it.each([
    ['nonsense', ['this is not HTTP']],
    ['another version', ['HTTP/2.0 200 OK']],
    ['a status below 100', ['HTTP/1.1 099 Odd']],
    ['a status of four digits', ['HTTP/1.1 2000 Odd']],
    ['a control in the reason', ['HTTP/1.1 200 O\x01K']],
    ['a control in a value', [OK, 'X-A: \x01']],
    ['a folded line', [OK, 'X-A: 1', ' 2']],
    ['a bare LF', [OK, 'X-A: 1\nX-B: 2']],
    ['a space before the colon', [OK, 'X-A : 1']],
    ['two lengths', [OK, 'Content-Length: 1', 'Content-Length: 1']],
    ['a length that is none', [OK, 'Content-Length: -1']],
    ['a length beside chunks', [OK, 'Content-Length: 1', 'Transfer-Encoding: chunked']],
    ['another coding', [OK, 'Transfer-Encoding: gzip, chunked']],
    ['chunked twice', [OK, 'Transfer-Encoding: chunked', 'Transfer-Encoding: chunked']],
    ['chunks from HTTP/1.0', ['HTTP/1.0 200 OK', 'Transfer-Encoding: chunked']],
  ])('calls %s strange', (_what, lines) => {
    expect(read(...lines)).toBeUndefined();
  });
});
