import fc from 'fast-check';
import { HeaderMemo } from './header-memo.ts';
import { type RawRequest, readRequest } from './request-parser.ts';

const peer = { remoteAddress: '192.0.2.1', trusted: true, tls: false, connection: { once: () => {} } };

/** Everything that a request means. */
function meaning(request: RawRequest | undefined) {
  if (!request) return undefined;
  const { method, path, host, lines, length, close, upgrade } = request;
  const headers = ['accept', 'cookie', 'x-forwarded-for'].map((name) => request.header(name));
  return { method, path, host, lines, length, close, upgrade, headers };
}

const LINES = [
  'Accept: */*',
  'Connection: keep-alive',
  'Connection: close',
  'Cookie: a=1',
  'Cookie: a=2',
  'Content-Length: 5',
  'X-Forwarded-For: 1.2.3.4',
  'Transfer-Encoding: chunked',
  'X-Spawner-User: x',
];
const SWITCH = ['Connection: Upgrade', 'Upgrade: websocket'];

const line = fc.constantFrom(
  ...[
    'GET / HTTP/1.1',
    'GET /a?b HTTP/1.1',
    'POST /a HTTP/1.1',
    'HEAD /a HTTP/1.1',
    'GET / HTTP/1.0',
    'G\nT',
    '',
  ],
);
const headers = fc.oneof(
  { weight: 5, arbitrary: fc.subarray(LINES, { maxLength: 3 }) },
  fc.constantFrom(SWITCH, ['X: \x01'], [`X: ${'y'.repeat(5_000)}`]),
);
/** A few sets of header lines, and requests that use them in any order. */
const requests = fc
  .array(headers, { minLength: 1, maxLength: 3 })
  .chain((sets) => fc.array(fc.tuple(line, fc.constantFrom(...sets)), { minLength: 2, maxLength: 12 }));

it('means the same as a parser that remembers nothing, for 2,000 connections', () => {
  fc.assert(
    fc.property(requests, (all) => {
      const memo = new HeaderMemo(peer);
      for (const [first, lines] of all) {
        const head = `${[first, 'Host: a.test', ...lines].join('\r\n')}\r\n`;
        const bytes = Buffer.from(`${head}\r\n`, 'latin1');
        expect(meaning(memo.read(bytes, head.length))).toEqual(meaning(readRequest(head, peer)));
      }
    }),
    { numRuns: 2_000 },
  );
});

it('reads bytes that differ in one place', () => {
  const memo = new HeaderMemo(peer);
  const read = (value: string) => {
    const head = `GET / HTTP/1.1\r\nHost: a.test\r\nCookie: ${value}\r\n`;
    return memo.read(Buffer.from(`${head}\r\n`), head.length)?.header('cookie');
  };
  expect(['a', 'a', 'a', 'b', 'b', 'a'].map(read)).toEqual(['a', 'a', 'a', 'b', 'b', 'a']);
});
