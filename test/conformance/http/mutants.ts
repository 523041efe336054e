import fc from 'fast-check';

/** Valid requests, tampered with: bytes flipped, put in or taken out, header lines doubled, cases changed, packets parted. */
export interface Mutant {
  /** Latin1 text, one packet each. */
  pieces: string[];
}

const ODD = [
  '\r',
  '\n',
  '\t',
  '\0',
  ':',
  ' ',
  ',',
  ';',
  '"',
  '\x0b',
  '\x7f',
  '\x80',
  '\xff',
  '_',
  '0',
  '+',
  '#',
  '\r\n',
  '\r\n ',
  '\r\n\r\n',
  '\n\n',
];
const LINES = [
  'Content-Length: 5\r\n',
  'Content-Length: 0\r\n',
  'Content-Length: 41\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding: identity\r\n',
  'Transfer-Encoding : chunked\r\n',
  'Content-Length : 41\r\n',
  'Connection: close\r\n',
  'Connection: content-length, transfer-encoding\r\n',
  'Expect: 100-continue\r\n',
  'Upgrade: h2c\r\n',
  'Host: other.test\r\n',
];

const HEADERS = [
  'Accept: */*',
  'Cookie: a=1; b=2',
  'Content-Type: text/plain',
  'X-Forwarded-For: 1.2.3.4',
  'User-Agent: x',
  'Connection: keep-alive',
  'TE: trailers',
];

/** Requests to this host. */
export function mutants(host: string): fc.Arbitrary<Mutant> {
  const inner = `GET /inner HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
  const request = fc
    .record({
      method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH'),
      target: fc.constantFrom('/x', '/x?a=b', '//x/../y', '/%0d%0a', `http://${host}/x`),
      headers: fc.subarray(HEADERS, { maxLength: 4 }),
      body: fc.constantFrom('', 'hello', inner),
      framing: fc.constantFrom('length', 'length', 'one chunk', 'two chunks', 'trailer'),
    })
    .map(({ method, target, headers, body, framing }) => {
      const start = `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\n${headers.map((line) => `${line}\r\n`).join('')}`;
      return start + framed(body, framing);
    });
  const pipeline = fc
    .tuple(request, fc.option(request, { freq: 3 }))
    .map(([first, second]) => first + (second ?? ''));
  const change = fc.oneof(
    fc.record({ how: fc.constant('flip' as const), at: fc.nat(), bit: fc.integer({ min: 0, max: 7 }) }),
    fc.record({ how: fc.constant('insert' as const), at: fc.nat(), text: fc.constantFrom(...ODD) }),
    fc.record({ how: fc.constant('cut' as const), at: fc.nat(), count: fc.integer({ min: 1, max: 3 }) }),
    fc.record({ how: fc.constant('line' as const), at: fc.nat(), text: fc.constantFrom(...LINES) }),
    fc.record({ how: fc.constant('double' as const), at: fc.nat() }),
    fc.record({ how: fc.constant('case' as const), at: fc.nat(), count: fc.integer({ min: 1, max: 12 }) }),
  );
  return fc
    .record({
      text: pipeline,
      changes: fc.array(change, { minLength: 0, maxLength: 3 }),
      part: fc.option(fc.nat(), { freq: 2 }),
    })
    .map(({ text, changes, part }) => {
      const bytes = changes.reduce(changed, text);
      const at = part === null ? 0 : part % bytes.length;
      return { pieces: at > 0 ? [bytes.slice(0, at), bytes.slice(at)] : [bytes] };
    });
}

function framed(body: string, framing: string): string {
  if (framing === 'length') return `${body === '' ? '' : `Content-Length: ${body.length}\r\n`}\r\n${body}`;
  const middle = framing === 'two chunks' ? body.length >> 1 : body.length;
  const chunks = [body.slice(0, middle), body.slice(middle)].filter((each) => each !== '');
  const end = framing === 'trailer' ? '0\r\nX-Sum: 1\r\n\r\n' : '0\r\n\r\n';
  return `Transfer-Encoding: chunked\r\n\r\n${chunks.map((each) => `${each.length.toString(16)}\r\n${each}\r\n`).join('')}${end}`;
}

interface Change {
  how: 'flip' | 'insert' | 'cut' | 'line' | 'double' | 'case';
  at: number;
  bit?: number;
  text?: string;
  count?: number;
}

function changed(text: string, { how, at, bit = 0, text: added = '', count = 0 }: Change): string {
  const place = at % Math.max(text.length, 1);
  const put = (where: number, what: string, instead = 0) =>
    text.slice(0, where) + what + text.slice(where + instead);
  switch (how) {
    case 'flip':
      return put(place, String.fromCharCode(text.charCodeAt(place) ^ (1 << bit)), 1);
    case 'insert':
      return put(place, added);
    case 'cut':
      return put(place, '', count);
    case 'line':
      return put(lineStart(text, place), added);
    case 'double': {
      const from = lineStart(text, place);
      const end = text.indexOf('\n', from);
      return end < 0 ? text : put(from, text.slice(from, end + 1));
    }
    case 'case':
      return put(place, [...text.slice(place, place + count)].map(otherCase).join(''), count);
  }
}

function lineStart(text: string, place: number): number {
  return text.lastIndexOf('\n', place) + 1;
}

/** Letters of ASCII alone: the capital of a letter of Latin 1 may be outside of it, so the bytes sent would not be the text judged. */
function otherCase(char: string): string {
  if (!/[a-z]/i.test(char)) return char;
  return char === char.toLowerCase() ? char.toUpperCase() : char.toLowerCase();
}
