import fc from 'fast-check';
import { ResponseBody } from './response-body.ts';

const chunked = () => new ResponseBody('chunked', 0);

/** The bytes that cross, cut up at these places, and the number of those that belong to the body. */
function follow(body: ResponseBody, text: string, cuts: readonly number[] = []) {
  const bytes = Buffer.from(text, 'latin1');
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  let passed = '';
  let used = 0;
  for (const [at, from] of [0, ...places].entries()) {
    if (body.done || body.bad) break;
    const to = places[at] ?? bytes.length;
    passed += bytes.toString('latin1', from, body.take(bytes, from, to));
    used = body.end;
  }
  return { passed, used, done: body.done, bad: body.bad };
}

const cuts = fc.array(fc.nat(), { maxLength: 12 });

describe('a chunked body', () => {
  it('ends where its last chunk does, however its bytes are cut up', () => {
    const chunk = fc.string({ unit: 'binary', minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 5 }), cuts, (chunks, places) => {
        const parts = chunks.map((text) => Buffer.from(text).toString('latin1'));
        const body = `${parts.map((text) => `${text.length.toString(16)}\r\n${text}\r\n`).join('')}0\r\n\r\n`;
        expect(follow(chunked(), `${body}HTTP/1.1 200 OK`, places)).toEqual({
          passed: body,
          used: body.length,
          done: true,
          bad: false,
        });
      }),
    );
  });

  it('passes extensions on and leaves trailers out, owing the end', () => {
    fc.assert(
      fc.property(cuts, (places) => {
        const body = chunked();
        const whole = '3;a="b c"\r\nabc\r\n0\r\nX-A: 1\r\nX-B: 2\r\n\r\n';
        expect(follow(body, whole, places)).toEqual({
          passed: '3;a="b c"\r\nabc\r\n0\r\n',
          used: whole.length,
          done: true,
          bad: false,
        });
        expect(body.owesEnd).toBe(true);
      }),
    );
  });

  it.each([
    ['no size', '\r\nabc\r\n'],
    ['a size that is no number', 'g\r\n'],
    ['a signed size', '+1\r\na\r\n'],
    ['a size with a prefix', '0x1\r\na\r\n'],
    ['a space before the size', ' 1\r\na\r\n'],
    ['a space behind it', '1 \r\na\r\n'],
    ['a bare LF behind the size', '1\na\r\n'],
    ['a bare CR behind the size', '1\ra\r\n'],
    ['a bare LF in an extension', '1;a\nb\r\na\r\n'],
    ['data without an end', '1\r\nab\r\n'],
    ['a bare LF behind data', '1\r\na\n0\r\n\r\n'],
    ['a bare LF behind the last chunk', '0\n\n'],
    ['a bare LF at the end', '0\r\n\n'],
    ['a bare CR at the end', '0\r\n\rX'],
    ['a bare LF in trailers', '0\r\nX: 1\n\r\n'],
    ['a trailer without a colon', '0\r\nX T\r\n\r\n'],
    ['a trailer without a name', '0\r\n: 1\r\n\r\n'],
    ['a length in the trailers', '0\r\nX: 1\r\nContent-Length: 9\r\n\r\n'],
    ['a coding in the trailers', '0\r\ntransfer-encoding: chunked\r\n\r\n'],
    ['a size beyond all numbers', '1000000000000\r\n'],
    ['an endless extension', `1;${'a'.repeat(2_000)}`],
    ['endless trailers', `0\r\n${'X: 1\r\n'.repeat(6_000)}`],
  ])('is bad with %s', (_what, text) => {
    expect(follow(chunked(), text)).toMatchObject({ done: false, bad: true });
  });
});

describe('other bodies', () => {
  it('end after their length', () => {
    const body = new ResponseBody('length', 5);
    expect(follow(body, 'helloHTTP/1.1', [2])).toEqual({ passed: 'hello', used: 5, done: true, bad: false });
  });

  it('end at once where there is none, and never by themselves where the connection ends them', () => {
    expect(new ResponseBody('length', 0).done).toBe(true);
    expect(new ResponseBody('none', 9).done).toBe(true);
    const body = new ResponseBody('close', 0);
    expect(follow(body, 'anything')).toMatchObject({ passed: 'anything', done: false });
    expect(body.endsWithConnection).toBe(true);
  });
});
