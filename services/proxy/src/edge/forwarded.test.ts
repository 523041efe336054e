import { addressesOf, portOf, schemeOf } from './forwarded.ts';

/** A request from a load balancer at 10.0.0.1 by plain HTTP, with these headers. */
function request(headers: Readonly<Record<string, string>>, { trusted = true, tls = false } = {}) {
  const peer = { remoteAddress: '::ffff:10.0.0.1', trusted, tls, connection: { once: () => {} } };
  return { header: (name: string) => headers[name], peer };
}

describe('the scheme that a client used', () => {
  it.each([
    ['https', { 'x-forwarded-proto': 'https' }],
    ['https', { 'x-forwarded-proto': 'HTTPS' }],
    ['https', { 'x-forwarded-proto': 'https,http' }],
    ['https', { 'x-forwarded-proto': 'https, https' }],
    ['http', { 'x-forwarded-proto': 'http, https' }],
    ['https', { 'x-forwarded-proto': 'wss' }],
    ['http', { 'x-forwarded-proto': 'ws' }],
    ['https', { forwarded: 'for=203.0.113.9;proto=https' }],
    ['https', { forwarded: 'for="[2001:db8::1]:4711"; Proto="https", for=10.0.0.2;proto=http' }],
    ['http', { 'x-forwarded-proto': 'http', forwarded: 'proto=https' }],
    ['https', { 'x-forwarded-proto': 'gopher', 'x-forwarded-ssl': 'on' }],
    ['https', { 'x-forwarded-ssl': 'on' }],
    ['https', { 'front-end-https': 'On' }],
    ['http', { 'x-forwarded-ssl': 'off' }],
    ['http', { forwarded: 'for="proto=https"' }],
    ['http', { 'x-forwarded-proto': 'constructor' }],
    ['http', {}],
  ])('is %s by %j of a trusted address, and plain from a stranger', (scheme, headers) => {
    expect(schemeOf(request(headers))).toBe(scheme);
    expect(schemeOf(request(headers, { trusted: false }))).toBe('http');
  });

  it('is that of the connection if no header names it', () => {
    expect(schemeOf(request({}, { tls: true }))).toBe('https');
    expect(schemeOf(request({ 'x-forwarded-proto': 'http' }, { trusted: false, tls: true }))).toBe('https');
  });
});

describe('the port that a client used', () => {
  it.each([
    ['8443', { 'x-forwarded-port': '8443' }],
    ['443', { 'x-forwarded-port': '443, 80' }],
    ['8000', { 'x-forwarded-port': 'http' }],
    ['8000', {}],
  ])('is %s by %j', (port, headers) => {
    expect(portOf(request(headers), 'a.test:8000', 'https')).toBe(port);
    expect(portOf(request(headers, { trusted: false }), 'a.test:8000', 'https')).toBe('8000');
  });

  it("is the scheme's if the host has none", () => {
    expect(portOf(request({}), 'a.test', 'https')).toBe('443');
    expect(portOf(request({}), '[2001:db8::1]', 'http')).toBe('80');
    expect(portOf(request({}), 'public.test:81, a.test', 'http')).toBe('81');
  });
});

describe('the addresses for X-Forwarded-For', () => {
  it.each([
    ['203.0.113.9, 10.0.0.1', { 'x-forwarded-for': '203.0.113.9' }],
    ['203.0.113.9, 10.0.0.1', { forwarded: 'for=203.0.113.9;proto=https' }],
    ['2001:db8::1, 192.0.2.4, 10.0.0.1', { forwarded: 'for="[2001:db8::1]:4711", for=192.0.2.4:80' }],
    ['10.0.0.1', { forwarded: 'for=_hidden, for=unknown' }],
    ['10.0.0.1', {}],
  ])('are %s by %j', (addresses, headers) => {
    expect(addressesOf(request(headers))).toBe(addresses);
    expect(addressesOf(request(headers, { trusted: false }))).toBe('10.0.0.1');
  });
});
