import fc from 'fast-check';
import { AnswerFilter, UnforwardableAnswer } from './node/answer-agent.ts';
import { plainHead } from './plain-head.ts';
import { HeadReader } from './raw/head-reader.ts';
import { ResponseMemo } from './raw/response-memo.ts';

const OK = 'HTTP/1.1 200 OK';
const text = (...lines: string[]) => lines.map((line) => `${line}\r\n`).join('');

describe('the plain form of an answer', () => {
  it.each([
    ['equal lengths', [OK, 'Content-Length: 2', 'content-length: 2, 02'], [OK, 'Content-Length: 2']],
    ['a space before the colon', [OK, 'X-A \t: b'], [OK, 'X-A: b']],
    ['a folded line', [OK, 'X-A: 1', ' \t2', '3: 4'], [OK, 'X-A: 1 2', '3: 4']],
    ['a control character in a value', [OK, 'X-A: 1\x012'], [OK, 'X-A: 1 2']],
    ['a control character in the reason', ['HTTP/1.1 200 O\x7fK'], ['HTTP/1.1 200 O K']],
    ['a value that ends with a byte of UTF-8', [OK, 'X-A: \xc3\xa0'], [OK, 'X-A: \xc3\xa0']],
    ['a control character in a name', [OK, 'X-A\x01: 1', 'X-B: 2'], [OK, 'X-B: 2']],
    ['white space before the first line', [OK, ' X-A: 1', '\tX-B: 2', 'X-C: 3'], [OK, 'X-C: 3']],
    ['no reason', ['HTTP/1.1 200'], ['HTTP/1.1 200 ']],
    ['more spaces before the status', ['HTTP/1.1  200 OK'], [OK]],
    ['lines that are no header', [OK, 'nonsense', 'a b: c', ': d', 'X: 1'], [OK, 'X: 1']],
    ['line ends without CR', [`${OK}\nX: 1`], [OK, 'X: 1']],
    ['a coding that changes no byte', [OK, 'Transfer-Encoding: identity'], [OK]],
    [
      'a length beside chunks, whose connection must end',
      [OK, 'Content-Length: 2', 'Transfer-Encoding: chunked'],
      [OK, 'Transfer-Encoding: chunked', 'Connection: close'],
    ],
  ])('has %s as every parser reads it', (_what, lines, plain) =>
    expect(plainHead(text(...lines, ''))).toMatchObject({ status: 200, text: text(...plain) }),
  );

  it.each([
    ['it does not begin with a status line of HTTP', ['this is not HTTP']],
    ['it does not begin with a status line of HTTP', ['HTTP/1.1 2000 Odd']],
    ['it is HTTP/2.0', ['HTTP/2.0 200 OK']],
    ['its status is 99', ['HTTP/1.1 099 Odd']],
    ['it has lengths that differ', [OK, 'Content-Length: 1', 'Content-Length: 2']],
    ['it has lengths that differ', [OK, 'Content-Length: 1, 2']],
    ['its Content-Length is not a number of at most 15 digits', [OK, 'Content-Length: -1']],
    ['its Transfer-Encoding is not chunked', [OK, 'Transfer-Encoding: gzip, chunked']],
    [
      'its Transfer-Encoding is not chunked',
      [OK, 'Transfer-Encoding: chunked', 'transfer-encoding: chunked'],
    ],
    ['its Transfer-Encoding is not chunked', [OK, 'Transfer-Encoding: \x0bchunked']],
    ['it has a Transfer-Encoding in HTTP/1.0', ['HTTP/1.0 200 OK', 'Transfer-Encoding: chunked']],
    ['its header has a NUL character or a CR without LF', [OK, 'X-A: \0']],
    ['its header has a NUL character or a CR without LF', [OK, 'X-A: 1\rX-B: 2']],
    ['it has more than 1000 header lines', [OK, ...Array.from({ length: 1_001 }, () => 'X: 1')]],
  ])('says why there is none: %s', (objection, lines) =>
    expect(plainHead(text(...lines, ''))).toEqual({ objection }),
  );
});

const PARTS = [
  ...['Content-Length: 2', 'Content-Length : 2', 'content-length: 3', 'Transfer-Encoding: chunked'],
  ...['X-A: 1', ' folded', 'X-B: \x01', 'no colon', 'X\0: 1', 'Connection: close', 'Date: now'],
];
const heads = fc
  .tuple(
    fc.constantFrom(OK, 'HTTP/1.0 200 OK', 'HTTP/1.1 204', 'HTTP/1.1 2 OK', 'HTTP/2.0 200 OK'),
    fc.array(fc.tuple(fc.constantFrom(...PARTS), fc.constantFrom('\r\n', '\r\n', '\n', '\r')), {
      maxLength: 6,
    }),
    fc.constantFrom('\r\n', '\n'),
  )
  .map(([start, lines, end]) => `${start}\r\n${lines.map((line) => line.join('')).join('')}${end}`);

/** The verdicts of the raw and the node transport on an answer in pieces of this size: its status, or the objection to it. */
function verdicts(answer: string, size: number, maxBytes: number) {
  const raw = new HeadReader({ toHead: false, clusterDomain: 'mydomain.test', maxBytes });
  const node = new AnswerFilter(maxBytes);
  const memo = new ResponseMemo();
  let said: { raw?: unknown; node?: unknown; rest?: string; passed: string } = { passed: '' };
  const bytes = Buffer.from(answer, 'latin1');
  for (let at = 0; at < bytes.length && !('raw' in said && 'node' in said); at += size) {
    const piece = Buffer.from(bytes.subarray(at, at + size));
    if (!('raw' in said)) {
      const read = raw.read(piece, piece.length, memo);
      if (read !== 'incomplete') said = { ...said, raw: 'objection' in read ? read.objection : read.status };
    }
    if ('node' in said) continue;
    const passed = node.pass(piece);
    if (passed instanceof UnforwardableAnswer) said = { ...said, node: passed.objection };
    else if (passed.length > 0)
      said = { ...said, node: Number(/^HTTP\/1.\d (\d+)/.exec(passed.toString('latin1'))?.[1]) };
  }
  return said;
}

it('is the same for both transports, in whatever pieces an answer comes', () => {
  let odd = 0;
  let forwarded = 0;
  fc.assert(
    fc.property(heads, fc.integer({ min: 1, max: 80 }), (head, size) => {
      const { raw, node } = verdicts(`${head}ok`, size, 65_536);
      expect(raw).toEqual(node);
      if (typeof raw === 'number') forwarded += 1;
      else odd += 1;
    }),
    { numRuns: 3_000 },
  );
  expect(Math.min(odd, forwarded)).toBeGreaterThan(300);
});

it.each([1, 999, 100_000])('has the limit of its bytes, on both transports, in pieces of %d', (size) => {
  const head = (bytes: number) => `${OK}\r\nX: ${'a'.repeat(bytes - OK.length - 9)}\r\n\r\n`;
  expect(head(2_000)).toHaveLength(2_000);
  expect(verdicts(head(2_000), size, 2_000)).toMatchObject({ raw: 200, node: 200 });
  const objection = 'its header is larger than 2000 bytes';
  expect(verdicts(head(2_001), size, 2_000)).toMatchObject({ raw: objection, node: objection });
});
