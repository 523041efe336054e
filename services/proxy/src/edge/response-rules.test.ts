import { BOUNDS } from '../timeouts.ts';
import {
  keptMsOf,
  letAgentRead,
  objectionTo,
  objectionToSwitch,
  type ParsedHead,
  withoutIdleLength,
} from './response-rules.ts';

function head(fields: Partial<ParsedHead> = {}): ParsedHead {
  return { statusCode: 200, httpVersion: '1.1', headers: {}, rawHeaders: [], ...fields };
}

const TOO_MANY = Array.from({ length: (BOUNDS.responseLines + 1) * 2 }, () => 'x');

describe('A backend answer', () => {
  it.each<[string, Partial<ParsedHead>]>([
    ['a plain one', {}],
    ['one of HTTP/1.0', { httpVersion: '1.0' }],
    ['chunked, in any case', { headers: { 'transfer-encoding': 'Chunked' } }],
    ['with a length', { headers: { 'content-length': '0' } }],
    ['with as many lines as may be', { rawHeaders: TOO_MANY.slice(2) }],
    ['a reason with a tab and beyond ASCII', { statusMessage: 'O\tK \xe9' }],
    ['a status above 599', { statusCode: 999 }],
  ])('is handed on: %s', (_, fields) => expect(objectionTo(head(fields))).toBeUndefined());

  it.each<[string, Partial<ParsedHead>]>([
    ['another version', { httpVersion: '2.0' }],
    ['a switch that nobody asked for', { statusCode: 101 }],
    ['a status below 100', { statusCode: 99 }],
    ['a coding that would be lost', { headers: { 'transfer-encoding': 'gzip, chunked' } }],
    ['two codings', { headers: { 'transfer-encoding': 'chunked, chunked' } }],
    ['a coding in HTTP/1.0', { httpVersion: '1.0', headers: { 'transfer-encoding': 'chunked' } }],
    ['a length of another form', { headers: { 'content-length': '02' } }],
    ['a control in the reason', { statusMessage: 'O\x01K' }],
    ['too many lines', { rawHeaders: TOO_MANY }],
  ])('is refused: %s', (_, fields) => expect(objectionTo(head(fields))).toBeDefined());

  it('switches to a WebSocket and to nothing else', () => {
    expect(objectionToSwitch(head({ headers: { upgrade: 'WebSocket' } }))).toBeUndefined();
    expect(objectionToSwitch(head({ headers: { upgrade: 'h2c' } }))).toBeDefined();
    expect(objectionToSwitch(head())).toBeDefined();
    expect(objectionToSwitch(head({ headers: { upgrade: 'websocket' }, statusMessage: '\0' }))).toBeDefined();
    expect(
      objectionToSwitch(head({ headers: { upgrade: 'websocket' }, rawHeaders: TOO_MANY })),
    ).toBeDefined();
  });

  it.each([101, 204])('with status %d has no length', (status) =>
    expect(withoutIdleLength({ 'content-length': '5', etag: 'a' }, status)).toEqual({ etag: 'a' }),
  );

  it('with status 205 has none over HTTP/2, where Node sends no body', () =>
    expect(withoutIdleLength({ 'content-length': '5' }, 205, 2)).toEqual({}));

  it.each([200, 205, 304])('with status %d keeps its length', (status) =>
    expect(withoutIdleLength({ 'content-length': '5' }, status)).toEqual({ 'content-length': '5' }),
  );

  it.each([
    ['timeout=5', 5_000],
    ['max=100, Timeout=1', 1_000],
    ['timeout=0', 0],
    ['max=100', Number.POSITIVE_INFINITY],
    ['', Number.POSITIVE_INFINITY],
  ])('that says Keep-Alive: %s keeps its connection for %d ms', (value, ms) =>
    expect(keptMsOf(value)).toBe(ms),
  );

  it("tells Node's agent of it in the one form that it reads, after the headers were copied", async () => {
    const answer = { headers: {} };
    letAgentRead(answer, 'max=100, timeout=3');
    expect(answer.headers).toEqual({});
    await new Promise(process.nextTick);
    expect(answer.headers).toEqual({ 'keep-alive': 'timeout=3' });
  });
});
