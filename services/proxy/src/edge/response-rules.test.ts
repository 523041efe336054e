import { BOUNDS } from '../timeouts.ts';
import {
  allowsLength,
  isBodiless,
  isInterim,
  keptMsOf,
  objectionTo,
  objectionToSwitch,
  type ResponseHead,
  reachableLocation,
} from './response-rules.ts';

const PLAIN: ResponseHead = {
  httpVersion: '1.1',
  status: 200,
  reason: 'OK',
  lines: 0,
  coding: undefined,
  length: undefined,
  upgradeTo: undefined,
};
const head = (fields: Partial<ResponseHead> = {}): ResponseHead => ({ ...PLAIN, ...fields });
const tooMany = { lines: BOUNDS.responseLines + 1 };

describe('a response of a backend', () => {
  it.each<[string, Partial<ResponseHead>]>([
    ['a plain one', {}],
    ['one of HTTP/1.0', { httpVersion: '1.0' }],
    ['chunked, in any case', { coding: 'Chunked' }],
    ['with a length', { length: 0 }],
    ['with as many lines as are allowed', { lines: BOUNDS.responseLines }],
    ['a reason with a tab and beyond ASCII', { reason: 'O\tK \xe9' }],
    ['a status above 599', { status: 999 }],
  ])('is forwarded: %s', (_, fields) => expect(objectionTo(head(fields))).toBeUndefined());

  it.each<[string, Partial<ResponseHead>]>([
    ['another version', { httpVersion: '2.0' }],
    ['a status below 100', { status: 99 }],
    ['a coding that would be lost', { coding: 'gzip, chunked' }],
    ['two codings', { coding: 'chunked, chunked' }],
    ['a coding in HTTP/1.0', { httpVersion: '1.0', coding: 'chunked' }],
    ['an invalid length', { length: -1 }],
    ['a control character in the reason', { reason: 'O\x01K' }],
    ['a length beside a coding', { length: 1, coding: 'chunked' }],
    ['too many lines', tooMany],
  ])('is refused: %s', (_, fields) => expect(objectionTo(head(fields))).toBeDefined());

  it('switches to a WebSocket and to nothing else', () => {
    expect(objectionToSwitch(head({ upgradeTo: 'WebSocket' }))).toBeUndefined();
    expect(objectionToSwitch(head({ upgradeTo: 'h2c' }))).toBeDefined();
    expect(objectionToSwitch(head())).toBeDefined();
    expect(objectionToSwitch(head({ upgradeTo: 'websocket', reason: '\0' }))).toBeDefined();
    expect(objectionToSwitch(head({ upgradeTo: 'websocket', ...tooMany }))).toBeDefined();
  });

  it('has a length and a body as its status allows', () => {
    expect([101, 200, 204, 205, 304].filter(allowsLength)).toEqual([200, 205, 304]);
    expect([101, 200, 204, 205, 304].filter((status) => isBodiless(status, false))).toEqual([101, 204, 304]);
    expect(isBodiless(200, true)).toBe(true);
    expect([100, 101, 103, 200].filter(isInterim)).toEqual([100, 103]);
  });

  it.each([
    ['timeout=5', 5_000],
    ['max=100, Timeout=1', 1_000],
    ['timeout=0', 0],
    ['max=100', Number.POSITIVE_INFINITY],
    ['', Number.POSITIVE_INFINITY],
  ])('that says Keep-Alive: %s keeps its connection for %d ms', (value, ms) =>
    expect(keptMsOf(value)).toBe(ms),
  );
});

describe('a Location', () => {
  const ID = 'a'.repeat(26);
  const located = (
    location: string,
    { headers = {}, tls = false, host = `${ID}.x.test:8443`, port = 8080 } = {},
  ) => {
    const told: Readonly<Record<string, string>> = headers;
    const trusted = Object.keys(told).length > 0;
    const peer = { remoteAddress: '10.0.0.1', trusted, tls, connection: { once: () => {} } };
    return reachableLocation(location, { host, peer, header: (name: string) => told[name] }, port);
  };
  const own = `http://${ID}.x.test:8080`;

  it.each([
    ['https, at the port of the Host', { tls: true }, `https://${ID}.x.test:8443`],
    ['http, at the port of the Host', {}, `http://${ID}.x.test:8443`],
    ['https, without a port', { tls: true, host: `${ID}.x.test` }, `https://${ID}.x.test`],
    [
      'told by a trusted address',
      {
        host: `${ID}.x.test`,
        headers: { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'a.test', 'x-forwarded-port': '444' },
      },
      'https://a.test:444',
    ],
  ])('with the own port leads to where the client came from: %s', (_what, request, origin) => {
    expect(located(`${own}/sub/?a=b#c`, request)).toBe(`${origin}/sub/?a=b#c`);
    expect(located(own, request)).toBe(origin);
    expect(located(`${own.toUpperCase()}/A`, request)).toBe(`${origin}/A`);
  });

  it('without a port names the own port if that is 80', () => {
    const location = `http://${ID}.x.test/sub/`;
    expect(located(location, { tls: true, port: 80 })).toBe(`https://${ID}.x.test:8443/sub/`);
    expect(located(location, { tls: true })).toBe(location);
  });

  it.each([
    '/sub/',
    'sub',
    '//elsewhere.test:8080/',
    `http://${ID}.x.test:8081/`,
    `http://${ID}.x.test:80801/`,
    'http://other.x.test:8080/',
    `http://${ID}.x.test.elsewhere.test:8080/`,
    `http://user@${ID}.x.test:8080/`,
    `http://elsewhere.test/${own}`,
    `ftp://${ID}.x.test:8080/`,
  ])('crosses as it came: %s', (location) => {
    expect(located(location, { tls: true })).toBe(location);
  });

  it('that leads from http to https crosses as it came, or the client would be led in a circle', () => {
    const location = `https://${ID}.x.test:8080/`;
    expect(located(location)).toBe(location);
    expect(located(location, { tls: true })).toBe(`https://${ID}.x.test:8443/`);
  });
});
