import { pullAgainAfter } from './pull-retry.ts';

const soonest = () => 0;
const after = (message: string, attempt = 0) => pullAgainAfter(message, attempt, soonest);

describe('a failed pull', () => {
  it.each([
    'received unexpected HTTP status: 503 Service Unavailable',
    'error parsing HTTP 502 response body: invalid character',
    'received unexpected HTTP status: 500 Internal Server Error',
    'Get "https://registry.test/v2/": net/http: TLS handshake timeout',
    'read tcp 10.0.0.1:4242->10.0.0.2:443: read: connection reset by peer',
    'Get "https://registry.test/v2/": dial tcp 10.0.0.2:443: i/o timeout',
    'Get "http://127.0.0.1:5000/v2/": EOF',
    'error pulling image configuration: download failed after attempts=6: unexpected EOF',
    'net/http: request canceled (Client.Timeout exceeded while awaiting headers)',
    'toomanyrequests: You have reached your pull rate limit',
    'lookup registry.test on 10.0.0.3:53: server misbehaving',
  ])('is tried again after: %s', (message) => {
    expect(after(message)).toBe(500);
  });

  it.each([
    'pull access denied for a, repository does not exist or may require authorization',
    'unauthorized: authentication required',
    'Get "https://registry.test/v2/": denied: 403 Forbidden',
    'manifest for a:1 not found: manifest unknown: manifest unknown',
    'name unknown: repository a not found after 503 lookups',
    'invalid reference format',
    'dial tcp 127.0.0.1:1: connect: connection refused',
    'no space left on device',
    'lookup registry.test on 10.0.0.3:53: no such host',
  ])('is final after: %s', (message) => {
    expect(after(message)).toBeUndefined();
  });

  it('is tried again later and later, up to twenty seconds', () => {
    const waits = [0, 1, 2, 10].map((attempt) => after('unexpected EOF', attempt));
    expect(waits).toEqual([500, 1_000, 2_000, 10_000]);
  });

  it.each([
    ['toomanyrequests: retry-after: 7, allowed: 44000/minute', 7_000],
    ['toomanyrequests: retry-after: 30s', 30_000],
    ['toomanyrequests: Retry-After: 2500 ms', 2_500],
    ['toomanyrequests: retry-after: 394.96µs, allowed: 44000/minute', 500],
    ['429 Too Many Requests, retry after 86400', 60_000],
  ])('waits as the registry asks in "%s", for a minute at most', (message, wait) => {
    expect(after(message)).toBe(wait);
  });
});
