import type { IncomingHttpHeaders } from 'node:http';
import type { TokenHolder } from '../tokens/token-check.ts';
import { requestHeaders as headersOf, responseHeaders } from './headers.ts';

const arrival = {
  host: 'abc.mydomain.test:8000',
  remoteAddress: '::ffff:203.0.113.9',
  trusted: false,
  upgrade: false,
  chunked: false,
  holder: undefined as TokenHolder | undefined,
};

/** The headers that the backend gets when these arrive by TLS. */
function requestHeaders(headers: IncomingHttpHeaders, options: typeof arrival) {
  const { holder, remoteAddress, trusted, ...fields } = options;
  const request = {
    ...fields,
    ...{ method: 'GET', backendId: 'abc', path: '/', protocol: 'HTTP/1.1', refusal: undefined },
    peer: { remoteAddress, trusted, tls: true, connection: { once: () => {} } },
    header: (name: string) => headers[name] as string | undefined,
  };
  return headersOf(headers, request, holder);
}

describe('requestHeaders of a token holder', () => {
  const holder = { tokenId: 't', user: 'ada', claims: '{"a":"b"}', path: '/', byBearer: false };

  it('name the holder as the token does, whatever the client says', () => {
    const forged = {
      'x-spawner-user': 'root',
      'x-spawner-claims': '{}',
      x_spawner_user: 'root',
      'x-spawner_claims': '{}',
      'x_spawner-user': 'root',
    };
    const headers = requestHeaders({ ...forged, connection: 'x-spawner-user' }, { ...arrival, holder });
    expect(headers).toMatchObject({ 'x-spawner-user': 'ada', 'x-spawner-claims': '{"a":"b"}' });
    expect(Object.keys(headers).filter((name) => /spawner/.test(name))).toEqual([
      ...['x-spawner-backend', 'x-spawner-user', 'x-spawner-claims'],
    ]);
    const nobody = requestHeaders(forged, { ...arrival, holder: { ...holder, user: '', claims: '' } });
    expect(Object.keys(nobody).filter((name) => /spawner/.test(name))).toEqual(['x-spawner-backend']);
  });

  it('keep what gave access from the backend, and nothing else', () => {
    const token = 'a'.repeat(43);
    const cookie = `a=1; __Host-spawner-token=${token}; spawner-token=${token}; b=2`;
    const authorization = `Bearer ${token}`;
    expect(requestHeaders({ cookie, authorization }, { ...arrival, holder })).toMatchObject({
      cookie: 'a=1; b=2',
      authorization,
    });
    const byBearer = { ...arrival, holder: { ...holder, byBearer: true } };
    expect(requestHeaders({ authorization, cookie: `spawner-token=${token}` }, byBearer)).toEqual(
      requestHeaders({}, byBearer),
    );
  });
});

describe('requestHeaders', () => {
  it('says who calls, by which host and how', () => {
    expect(requestHeaders({ accept: '*/*' }, arrival)).toEqual({
      accept: '*/*',
      host: 'abc.mydomain.test:8000',
      'x-forwarded-for': '203.0.113.9',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'abc.mydomain.test:8000',
      'x-forwarded-port': '8000',
      'x-spawner-backend': 'abc',
    });
  });

  it("tells the scheme's port if the host has none", () => {
    const port = (headers: IncomingHttpHeaders) =>
      requestHeaders(headers, { ...arrival, host: 'abc.mydomain.test', trusted: true })['x-forwarded-port'];
    expect(port({})).toBe('443');
    expect(port({ 'x-forwarded-proto': 'http' })).toBe('80');
    expect(port({ 'x-forwarded-host': 'public.example:8443' })).toBe('8443');
    expect(port({ 'x-forwarded-port': '9443' })).toBe('9443');
    expect(port({ 'x-forwarded-port': '443, 80' })).toBe('443');
  });

  it('sends no Forwarded of its own, and passes on that of a trusted address', () => {
    expect(requestHeaders({}, arrival)).not.toHaveProperty('forwarded');
    const forwarded = 'for=198.51.100.1';
    expect(requestHeaders({ forwarded }, { ...arrival, trusted: true })).toMatchObject({ forwarded });
  });

  it.each([
    'x-forwarded-for',
    'x-forwarded-port',
    'x_forwarded_for',
    'forwarded',
    'x-real-ip',
    'x-spawner-user',
    'x_spawner-claims',
    'x-spawner-backend',
  ])('does not take %s from a stranger', (name) => {
    expect(Object.values(requestHeaders({ [name]: 'spoofed' }, arrival))).not.toContain('spoofed');
  });

  it('believes a trusted address about its clients, and adds that address', () => {
    const headers = requestHeaders(
      {
        'x-forwarded-for': '198.51.100.1',
        'x-forwarded-proto': 'http',
        'x-forwarded-host': 'public.example',
        'x-spawner-user': 'spoofed',
      },
      { ...arrival, trusted: true },
    );
    expect(headers).toMatchObject({
      'x-forwarded-for': '198.51.100.1, 203.0.113.9',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 'public.example',
    });
    expect(headers).not.toHaveProperty('x-spawner-user');
  });

  it('drops what belongs to one hop, also what Connection names, but never framing or routing', () => {
    const headers = requestHeaders(
      {
        connection: 'close, X-Hop, Host, Content-Length, X-Spawner-Backend, X-Forwarded-For',
        'x-hop': '1',
        'keep-alive': 'timeout=5',
        te: 'trailers',
        upgrade: 'h2c',
        'http2-settings': 'AAA',
        'proxy-authorization': 'Basic x',
        'transfer-encoding': 'chunked',
        expect: '100-continue',
        'content-length': '3',
      },
      arrival,
    );
    expect(Object.keys(headers).sort()).toEqual([
      'content-length',
      'host',
      'x-forwarded-for',
      'x-forwarded-host',
      'x-forwarded-port',
      'x-forwarded-proto',
      'x-spawner-backend',
    ]);
  });

  it('frames a body of unknown length', () => {
    expect(requestHeaders({}, { ...arrival, chunked: true })['transfer-encoding']).toBe('chunked');
  });

  it('keeps the upgrade of a WebSocket handshake', () => {
    const headers = requestHeaders(
      { connection: 'keep-alive, Upgrade', upgrade: 'WebSocket', 'sec-websocket-key': 'x' },
      { ...arrival, upgrade: true },
    );
    expect(headers).toMatchObject({ connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-key': 'x' });
  });
});

describe('responseHeaders', () => {
  it('drops what belongs to one hop', () => {
    const headers = responseHeaders(
      {
        connection: 'keep-alive, x-hop',
        'x-hop': '1',
        'keep-alive': '5',
        'transfer-encoding': 'chunked',
        'alt-svc': 'h3=":443"',
        etag: 'x',
      },
      'mydomain.test',
    );
    expect(headers).toEqual({ etag: 'x' });
  });

  it.each([
    ['a=1', true],
    ['a=1; Path=/; HttpOnly', true],
    ['a=1; Domain=abc.mydomain.test', true],
    ['a=domain=mydomain.test', true],
    ['a=1; Domain=', true],
    ['a=1; Domain=mydomain.test', false],
    ['a=1; domain = .MyDomain.Test', false],
    ['a=1; Domain="mydomain.test"', false],
    ['a=1; Domain=mydomain.test.', false],
    ['a=1; Domain=test', false],
    ['a=1; Domain=abc.mydomain.test; Domain=mydomain.test', false],
  ])('of the cookie %s keeps: %s', (cookie, kept) => {
    const headers = responseHeaders({ 'set-cookie': [cookie, 'own=1'] }, 'mydomain.test');
    expect(headers['set-cookie']).toEqual(kept ? [cookie, 'own=1'] : ['own=1']);
  });
});
