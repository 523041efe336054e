import { readResponse } from '../transports/raw/response-parser.ts';
import { responseHeaders } from './headers.ts';
import { lacksReferrerPolicy } from './referrer.ts';

describe('a page', () => {
  it.each([
    ['text/html', false, true],
    ['Text/HTML; charset=utf-8', false, true],
    ['text/css', false, true],
    ['application/xhtml+xml', false, true],
    ['image/svg+xml', false, true],
    ['text/html', true, false],
    ['text/htmlx', false, false],
    ['application/json', false, false],
    [undefined, false, false],
  ])('of type %s with a policy of its own: %s; gets ours: %s', (type, hasPolicy, gets) => {
    expect(lacksReferrerPolicy(type, hasPolicy)).toBe(gets);
  });

  it.each(['no-referrer', 'unsafe-url', ''])('keeps its own policy, %j, on both transports', (policy) => {
    const own = { 'content-type': 'text/html', 'referrer-policy': policy };
    expect(responseHeaders(own, 'x.test')).toEqual(own);
    const head = `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nreferrer-policy: ${policy}\r\n`;
    expect(readResponse(head, false, 'x.test')?.text).toBe(head);
  });
});
