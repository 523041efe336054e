import fc from 'fast-check';
import { ResponseMemo } from './response-memo.ts';
import { readResponse } from './response-parser.ts';

const DOMAIN = 'spawner.localhost';
const LINES = [
  'Content-Length: 5',
  'Content-Length: 6',
  'Connection: keep-alive',
  'Connection: close',
  'Connection: Etag',
  'Keep-Alive: timeout=5',
  'Etag: a',
  'Date: Tue, 01 Dec 2026 00:00:00 GMT',
  'Date: Tue, 01 Dec 2026 00:00:01 GMT',
  'Transfer-Encoding: chunked',
  `Set-Cookie: a=b; Domain=${DOMAIN}`,
];
const line = fc.constantFrom(
  ...[
    'HTTP/1.1 200 OK',
    'HTTP/1.1 204 No Content',
    'HTTP/1.0 200 OK',
    'HTTP/1.1 100 Continue',
    'HTTP/1.1 101 Switching',
  ],
);
const headers = fc.oneof(
  { weight: 5, arbitrary: fc.subarray(LINES, { maxLength: 3 }) },
  fc.constantFrom(['Connection: Upgrade', 'Upgrade: websocket'], ['X: \x01'], [`X: ${'y'.repeat(5_000)}`]),
);
/** A few heads, in any order and each as often as it comes. */
const heads = fc
  .array(fc.tuple(line, headers), { minLength: 1, maxLength: 3 })
  .chain((few) => fc.array(fc.tuple(fc.constantFrom(...few), fc.boolean()), { minLength: 2, maxLength: 12 }));

it('means the same as a parser that remembers nothing, for the heads of 2,000 backends', () => {
  fc.assert(
    fc.property(heads, fc.nat(9), (all, before) => {
      const memo = new ResponseMemo();
      for (const [[first, lines], toHead] of all) {
        const head = `${[first, ...lines].join('\r\n')}\r\n`;
        const bytes = Buffer.from(`${'x'.repeat(before)}${head}\r\nbody`, 'latin1');
        expect(memo.read(bytes, before, before + head.length, toHead, DOMAIN)).toEqual(
          readResponse(head, toHead, DOMAIN),
        );
      }
    }),
    { numRuns: 2_000 },
  );
});

it('reads a repeated head once, although the memory that it came in is used again', () => {
  const memo = new ResponseMemo();
  const head = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n');
  const read = (bytes: Buffer) => memo.read(bytes, 0, bytes.length, false, DOMAIN);
  const shared = Buffer.from(head);
  read(shared);
  const second = read(shared);
  shared.fill(0);
  expect(read(head)).toBe(second);
});
