import { LENGTH, meant, OK, type StrangeAnswer } from './answer.ts';

const refused = (name: string, head: string): StrangeAnswer => ({ name, pieces: [head], right: 'refused' });
/** Its meaning is clear, and nginx, HAProxy or Caddy take it, so it crosses in a plain form. */
const repaired = (name: string, head: string, headers: Record<string, string> = {}): StrangeAnswer => ({
  name,
  pieces: [head],
  right: meant(headers),
});
const withLine = (line: string) => `${OK}${line}\r\n${LENGTH}\r\nhi`;

/** Header lines, and what is no answer at all (RFC 9112 §2.2, §5; RFC 9110 §5.5, §7.6.1). */
export const HEADS: readonly StrangeAnswer[] = [
  repaired('bare LF', 'HTTP/1.1 200 OK\nContent-Length: 2\n\nhi'),
  repaired('one bare LF', `${OK}X-A: 1\nX-B: 2\r\n${LENGTH}\r\nhi`, { 'x-a': '1', 'x-b': '2' }),
  refused('a bare CR', withLine('X-A: 1\rX-B: 2')),
  repaired('a folded line', withLine('X-A: 1\r\n 2'), { 'x-a': '1 2' }),
  repaired('a blank before the first line', `${OK} X-A: 1\r\n${LENGTH}\r\nhi`),
  repaired('a space before the colon', `${OK}Content-Length : 2\r\n\r\nhi`),
  repaired('a tab before the colon', withLine('X-A\t: 2'), { 'x-a': '2' }),
  repaired('no name', withLine(': 1')),
  repaired('no colon', withLine('X-A')),
  repaired('a name beyond ASCII', withLine('X-\xe9: 1')),
  repaired('a control in a name', withLine('X-\x01: 1')),
  repaired('a blank in a name', withLine('X A: 1')),
  refused('a zero in a value', withLine('X-A: a\0b')),
  repaired('a control in a value', withLine('X-A: a\x01b'), { 'x-a': 'a b' }),
  repaired('a DEL in a value', withLine('X-A: a\x7fb'), { 'x-a': 'a b' }),
  refused('a head of 66,000 bytes', withLine(`X-A: ${'x'.repeat(66_000)}`)),
  refused('1,001 lines', withLine('X-A: 1\r\n'.repeat(1_000).slice(0, -2))),
  repaired('250 cookies', withLine('Set-Cookie: a=1\r\n'.repeat(250).slice(0, -2)), {
    'set-cookie': Array(250).fill('a=1').join(', '),
  }),
  { ...refused('lines without end', OK), forever: 'X-A: 1\r\n'.repeat(100) },
  { ...refused('a value without end', `${OK}X-A: `), forever: 'x'.repeat(1_000) },
  { ...refused('a name without end', OK), forever: 'x'.repeat(1_000) },
  { ...refused('a reason without end', 'HTTP/1.1 200 '), forever: 'x'.repeat(1_000) },
  { ...refused('an end within the head', `${OK}Content-Le`), after: 'end' },
  { ...refused('a reset within the head', `${OK}Content-Le`), after: 'reset' },
  { name: 'nothing, and the end', pieces: [], after: 'end', right: 'refused' },
  { name: 'nothing, and a reset', pieces: [], after: 'reset', right: 'refused' },
  { ...refused('HTTP/0.9', '<html>hi</html>\n'), after: 'end' },
  refused('a sentence', 'hello there\r\n\r\n'),
  refused('the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0'),
  refused("HTTP/2's settings", '\0\0\0\x04\0\0\0\0\0'),
  refused('an alert of TLS', '\x15\x03\x03\0\x02\x02\x46'),
  refused('the banner of SSH', 'SSH-2.0-OpenSSH_9.6\r\n'),
  refused('a request', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'),
  { name: 'an empty line first', pieces: [`\r\n${withLine('X-A: 1')}`], right: meant({ 'x-a': '1' }) },
  { name: 'values beyond ASCII', pieces: [withLine('X-A: \xe9\xff')], right: meant({ 'x-a': '\xe9\xff' }) },
  { name: 'a tab in a value', pieces: [withLine('X-A: a\tb')], right: meant({ 'x-a': 'a\tb' }) },
  { name: 'blanks around a value', pieces: [withLine('X-A: \t 1 \t')], right: meant({ 'x-a': '1' }) },
  { name: 'an empty value', pieces: [withLine('X-A:')], right: meant({ 'x-a': '' }) },
  {
    name: 'all marks in a name',
    pieces: [withLine("!#$%&'*+-.^_`|~0: 1")],
    right: meant({ "!#$%&'*+-.^_`|~0": '1' }),
  },
  { name: 'byte for byte', pieces: [...withLine('X-A: 1')], right: meant({ 'x-a': '1' }) },
  {
    name: '1,000 lines',
    pieces: [withLine('X-A: 1\r\n'.repeat(999).slice(0, -2))],
    right: meant({ 'x-a': Array(999).fill('1').join(', ') }),
  },
  {
    name: 'a head of 60,100 bytes',
    pieces: [withLine(`X-A: ${'x'.repeat(60_000)}`)],
    right: meant({ 'x-a': 'x'.repeat(60_000) }),
  },
  {
    name: 'two types',
    pieces: [withLine('Content-Type: a/b\r\nContent-Type: c/d')],
    right: meant({ 'content-type': 'a/b' }),
    unlike: {
      ways: ['fast path'],
      right: meant({ 'content-type': 'a/b, c/d' }),
      why: 'the fast path hands lines on as they came, and Node keeps the first of those that may stand once',
    },
  },
  {
    name: 'names of other things',
    pieces: [withLine('constructor: 1\r\n__proto__: 2')],
    right: meant({ constructor: '1' }),
    unlike: {
      ways: ['fast path'],
      right: meant(
        Object.fromEntries([
          ['constructor', '1'],
          ['__proto__', '2'],
        ]),
      ),
      why: "the one name that Node's headers cannot hold, and that no program uses",
    },
  },
  {
    name: 'names in Connection',
    pieces: [withLine('Connection: X-A, set-cookie, content-length\r\nX-A: 1\r\nSet-Cookie: a=b')],
    right: meant(),
  },
  {
    name: 'lines of one hop',
    pieces: [
      withLine('Keep-Alive: timeout=9\r\nProxy-Authenticate: Basic\r\nTE: a\r\nTrailer: b\r\nUpgrade: c'),
    ],
    right: meant(),
  },
  {
    name: 'a cookie for other backends',
    pieces: [withLine('Set-Cookie: a=b; Domain=mydomain.test\r\nSet-Cookie: c=d')],
    right: meant({ 'set-cookie': 'c=d' }),
  },
];
