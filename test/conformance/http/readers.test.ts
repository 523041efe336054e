/** The suite's own readers are held to what RFC 9112 says, so that what they find of a proxy is true. */
import { readAnswers } from './answers.ts';
import { LENIENT_HABITS, readRequests, STRICT } from './reading.ts';

const HEAD = 'POST / HTTP/1.1\r\nHost: a\r\n';
const strictly = (text: string) => {
  const { requests, rest } = readRequests(text, STRICT);
  return { bodies: requests.map(({ body }) => body), rest };
};
const counts = (text: string) =>
  Object.fromEntries(
    LENIENT_HABITS.map((habits) => [habits.name, readRequests(text, habits).requests.length]),
  );

describe('the strict reading of requests', () => {
  it.each<[string, string, string[], string]>([
    ['a body by its length', `${HEAD}Content-Length: 2\r\n\r\nhi`, ['hi'], 'nothing'],
    [
      'a chunked body with an extension and a trailer',
      `${HEAD}Transfer-Encoding: chunked\r\n\r\n2;a=b\r\nhi\r\n0\r\nT: 1\r\n\r\n`,
      ['hi'],
      'nothing',
    ],
    ['no body', `${HEAD}\r\n`, [''], 'nothing'],
    ['one behind the other', `${HEAD}\r\n${HEAD}Content-Length: 1\r\n\r\nx`, ['', 'x'], 'nothing'],
    ['empty lines before it', `\r\n\r\n${HEAD}\r\n`, [''], 'nothing'],
    ['one that is not whole', `${HEAD}Content-Length: 3\r\n\r\nhi`, [], 'unfinished'],
    ['a whole one and the beginning of another', `${HEAD}\r\nPOST /`, [''], 'unfinished'],
    [
      'an upgrade, and what follows as a tunnel',
      `${HEAD}Connection: upgrade\r\nUpgrade: x\r\n\r\n\x81`,
      [''],
      'tunnel',
    ],
  ])('finds %s', (_, text, bodies, rest) => {
    expect(strictly(text)).toEqual({ bodies, rest });
  });

  it.each<[string, string]>([
    ['two lengths', `${HEAD}Content-Length: 1\r\nContent-Length: 1\r\n\r\nx`],
    ['a length with a sign', `${HEAD}Content-Length: +1\r\n\r\nx`],
    ['a length in a list', `${HEAD}Content-Length: 1, 1\r\n\r\nx`],
    ['a length beside a coding', `${HEAD}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['another coding', `${HEAD}Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n`],
    ['a coding in HTTP/1.0', 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a blank before the colon', `${HEAD}Content-Length : 1\r\n\r\nx`],
    ['a folded line', `${HEAD}A: b\r\n c\r\n\r\n`],
    ['a bare line feed', `${HEAD.replaceAll('\r\n', '\n')}\n`],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n'],
    ['two Hosts', `${HEAD}Host: b\r\n\r\n`],
    ['a chunk size with a sign', `${HEAD}Transfer-Encoding: chunked\r\n\r\n+2\r\nhi\r\n0\r\n\r\n`],
    ['a chunk that is longer than it says', `${HEAD}Transfer-Encoding: chunked\r\n\r\n1\r\nhi\r\n0\r\n\r\n`],
  ])('refuses %s', (_, text) => {
    expect(strictly(text)).toEqual({ bodies: [], rest: 'fault' });
  });
});

describe('the lenient readings of requests', () => {
  it('take a length beside a coding in two ways, so that one finds a request in the other’s body', () => {
    const inner = 'GET /inner HTTP/1.1\r\nHost: b\r\n\r\n';
    const text = `${HEAD}Content-Length: ${5 + inner.length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${inner}`;
    expect(counts(text)).toEqual({ 'coding first': 2, 'length first': 1, 'bare CR ends a line': 2 });
  });

  it('take a bare CR as the end of a line, or not', () => {
    const text = 'GET / HTTP/1.1\rHost: a\r\rGET /inner HTTP/1.1\r\nHost: b\r\n\r\n';
    expect(counts(text)['bare CR ends a line']).toBe(2);
    expect(counts(text)['coding first']).toBeLessThan(2);
  });
});

describe('the reading of answers', () => {
  const read = (text: string, methods: string[], closed = false) => {
    const { answers, interim, rest } = readAnswers(text, methods, closed);
    return { answers: answers.map(({ status, body }) => [status, body]), interim, rest };
  };

  it.each<[string, string, string[], boolean, ReturnType<typeof read>]>([
    [
      'one by its length',
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi',
      ['GET'],
      false,
      { answers: [[200, 'hi']], interim: 0, rest: 'nothing' },
    ],
    [
      'one that an interim one precedes',
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n',
      ['POST'],
      false,
      { answers: [[204, '']], interim: 1, rest: 'nothing' },
    ],
    [
      'no body to a HEAD, whatever its length says',
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx',
      ['HEAD', 'GET'],
      false,
      {
        answers: [
          [200, ''],
          [200, 'x'],
        ],
        interim: 0,
        rest: 'nothing',
      },
    ],
    [
      'one that the end of the connection ends',
      'HTTP/1.1 200 OK\r\n\r\nhi',
      ['GET'],
      true,
      { answers: [[200, 'hi']], interim: 0, rest: 'nothing' },
    ],
    [
      'one that is not whole',
      'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi',
      ['GET'],
      true,
      { answers: [], interim: 0, rest: 'unfinished' },
    ],
    [
      'one that is framed twice as a fault',
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      ['GET'],
      false,
      { answers: [], interim: 0, rest: 'fault' },
    ],
    [
      'what is left behind the last as a fault',
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nhi\r\n',
      ['GET'],
      false,
      { answers: [[200, 'h']], interim: 0, rest: 'fault' },
    ],
  ])('finds %s', (_, text, methods, closed, found) => {
    expect(read(text, methods, closed)).toEqual(found);
  });
});
