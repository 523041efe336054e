import { readResponse } from '../transports/raw/response-parser.ts';
import { withoutSiblingsCookies } from './clear-site-data.ts';
import { responseHeaders } from './headers.ts';

const ALL_BUT_COOKIES = '"cache", "storage", "executionContexts"';

describe('Clear-Site-Data of a backend', () => {
  it.each([
    ['"cache"', '"cache"'],
    ['"cookies"', undefined],
    ['"cache", "cookies", "storage"', '"cache", "storage"'],
    ['"*"', ALL_BUT_COOKIES],
    ['"*" , "cookies"', ALL_BUT_COOKIES],
    ['"cache","*"', ALL_BUT_COOKIES],
    ['cookies', 'cookies'],
  ])('with %s leaves the cookies of other backends alone, on both transports', (value, expected) => {
    expect(withoutSiblingsCookies(value)).toBe(expected);
    const headers = responseHeaders({ 'clear-site-data': value, etag: 'x' }, 'x.test');
    expect(headers).toEqual(
      expected === undefined ? { etag: 'x' } : { 'clear-site-data': expected, etag: 'x' },
    );
    const head = `HTTP/1.1 200 OK\r\nClear-Site-Data: ${value}\r\nETag: x\r\n`;
    const lines = readResponse(head, false, 'x.test')?.text.split('\r\n').sort();
    const line = expected === undefined ? [] : [`Clear-Site-Data: ${expected}`];
    expect(lines).toEqual(['', ...line, 'ETag: x', 'HTTP/1.1 200 OK'].sort());
  });

  it('loses the cookies in each of several lines', () => {
    const head = 'HTTP/1.1 200 OK\r\nClear-Site-Data: "cache"\r\nclear-site-data: "cookies"\r\n';
    expect(readResponse(head, false, 'x.test')?.text).toBe('HTTP/1.1 200 OK\r\nClear-Site-Data: "cache"\r\n');
  });
});
