import type { IncomingHttpHeaders } from 'node:http';
import { type ParsedResponse, readRefusal, readResponse, readSwitch } from './response-parser.ts';

const DOMAIN = 'mydomain.test';

const response = (statusCode: number, headers: IncomingHttpHeaders = {}): ParsedResponse => ({
  ...{ statusCode, headers, httpVersion: '1.1', statusMessage: 'As it came' },
  rawHeaders: Object.entries(headers).flatMap(([name, value]) => [name, String(value)]),
});

describe('readResponse', () => {
  it('gives the client the status and the headers that cross', () =>
    expect(readResponse(response(200, { etag: 'a', 'keep-alive': 'timeout=5' }), DOMAIN, 1)).toEqual({
      status: 200,
      headers: { etag: 'a' },
    }));

  it('refuses a reason with a control character', () =>
    expect(readResponse({ ...response(200), statusMessage: 'O\x01K' }, DOMAIN, 1).objection).toBeDefined());

  it.each([101, 103, 99])('refuses %d as a final status', (status) =>
    expect(readResponse(response(status), DOMAIN, 1).objection).toBeDefined(),
  );

  it.each([
    [204, 1, false],
    [205, 1, true],
    [205, 2, false],
    [200, 2, true],
    [304, 1, true],
  ])('with status %d for HTTP/%d has a length: %s', (status, version, hasLength) => {
    const read = readResponse(response(status, { 'content-length': '5', etag: 'a' }), DOMAIN, version);
    const headers = hasLength ? { 'content-length': '5', etag: 'a' } : { etag: 'a' };
    expect(read).toMatchObject({ status });
    expect('headers' in read && read.headers).toEqual(headers);
  });

  it('turns a status that HTTP/2 cannot carry into 502', () => {
    expect(readResponse(response(700), DOMAIN, 2)).toMatchObject({ status: 502 });
    expect(readResponse(response(700), DOMAIN, 1)).toMatchObject({ status: 700 });
  });
});

it('refuses a success that would open the tunnel of an extended CONNECT', () => {
  expect(readRefusal(response(403), DOMAIN)).toMatchObject({ status: 403 });
  for (const status of [200, 101, 700]) expect(readRefusal(response(status), DOMAIN).objection).toBeDefined();
});

it('keeps what a handshake needs of a 101, and no length', () => {
  const headers = { upgrade: 'websocket', 'sec-websocket-accept': 'x', 'content-length': '5' };
  expect(readSwitch(response(101, headers), DOMAIN)).toMatchObject({
    headers: { 'sec-websocket-accept': 'x' },
  });
  expect(readSwitch(response(101, headers), DOMAIN)).not.toHaveProperty('headers.content-length');
  expect(readSwitch(response(101, { upgrade: 'h2c' }), DOMAIN).objection).toBeDefined();
});
