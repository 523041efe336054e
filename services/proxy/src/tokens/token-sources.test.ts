import type { EdgeRequest } from '../edge/request.ts';
import { credentialsOf, tokenCookie, withoutTokenCookies } from './token-sources.ts';

const TOKEN = 'a'.repeat(43);
const OTHER = 'b'.repeat(43);
const HOST = 'x.mydomain.test:8000';

interface More {
  path?: string;
  navigation?: boolean;
  upgrade?: boolean;
  secure?: boolean;
}

const asking = (headers: Record<string, string>, more: More = {}) => {
  const { path = '/', upgrade = false, secure = false } = more;
  const request = {
    ...{ path, upgrade, host: HOST, peer: { tls: secure, trusted: false } },
    header: (name: string) => headers[name],
  };
  return request as unknown as EdgeRequest;
};
const read = (headers: Record<string, string>, more: More = {}) =>
  credentialsOf(asking(headers, more), more.navigation ?? false);

describe('a token in the query', () => {
  it.each([
    [`/?spawner_token=${TOKEN}`, '/', [TOKEN]],
    [`/a/b?x=1&spawner_token=${TOKEN}&y=2`, '/a/b?x=1&y=2', [TOKEN]],
    [`/?spawner_token=${TOKEN}&spawner_token=${OTHER}`, '/', [TOKEN, OTHER]],
    ['/?spawner_token=', '/', ['']],
    ['/?spawner_token&x', '/?x', ['']],
    ['/?spawner_tokens=1', '/?spawner_tokens=1', []],
    ['/spawner_token=1', '/spawner_token=1', []],
    ['/?a=?spawner_token=1', '/?a=?spawner_token=1', []],
    ['/?', '/?', []],
  ])('%s leaves %s', (path, left, query) => {
    expect(read({}, { path })).toMatchObject({ path: left, query });
  });
});

describe('a bearer token', () => {
  it.each([`Bearer ${TOKEN}`, `bearer  ${TOKEN}`])('is ours: %s', (authorization) => {
    expect(read({ authorization }).bearer).toBe(TOKEN);
  });
  it.each([`Basic ${TOKEN}`, 'Bearer abc', `Bearer ${TOKEN}x`, `Bearer ${TOKEN} x`, TOKEN, ''])(
    'is not ours: %s',
    (authorization) => expect(read({ authorization }).bearer).toBeUndefined(),
  );
});

describe('a token in a cookie', () => {
  it('has the name that keeps it to the host where there is TLS, and only there the plain one', () => {
    const cookie = `a=1; spawner-token=${TOKEN}; __Host-spawner-token=${OTHER}; b=2`;
    expect(read({ cookie }).cookies).toEqual([TOKEN]);
    expect(read({ cookie }, { secure: true }).cookies).toEqual([OTHER]);
  });

  it('is taken from every cookie of the name, and only in our shape', () => {
    const cookie = `spawner-token=x; spawner-token=${TOKEN};spawner-token=${OTHER}; Spawner-Token=${OTHER}`;
    expect(read({ cookie }).cookies).toEqual([TOKEN, OTHER]);
  });

  const cookie = `spawner-token=${TOKEN}`;
  it.each<[string, Record<string, string>, More]>([
    ['a program', {}, {}],
    ['the address bar', { 'sec-fetch-site': 'none' }, { navigation: true }],
    ['a link of another site', { 'sec-fetch-site': 'cross-site' }, { navigation: true }],
    ['its own page', { 'sec-fetch-site': 'same-origin', origin: 'null' }, {}],
    ['its own page in an older browser', { origin: `http://${HOST.toUpperCase()}` }, {}],
    [
      'a WebSocket of its own page',
      { origin: `https://${HOST}`, 'sec-fetch-site': 'cross-site' },
      { upgrade: true },
    ],
  ])('counts from %s', (_who, headers, more) => {
    expect(read({ cookie, ...headers }, more).cookies).toEqual([TOKEN]);
  });
  it.each<[string, Record<string, string>, More]>([
    ["a sibling's fetch", { 'sec-fetch-site': 'same-site' }, {}],
    ["another site's image", { 'sec-fetch-site': 'cross-site' }, {}],
    ["a sibling's fetch in an older browser", { origin: 'http://y.mydomain.test:8000' }, {}],
    ["a sibling's WebSocket", { origin: 'http://y.mydomain.test:8000' }, { upgrade: true }],
    ['a WebSocket of another port', { origin: 'http://x.mydomain.test:9000' }, { upgrade: true }],
    ['a sandboxed page', { origin: 'null' }, { upgrade: true }],
  ])('does not count from %s', (_who, headers, more) => {
    expect(read({ cookie, ...headers }, more).cookies).toEqual([]);
  });
});

describe('our cookie', () => {
  it('is for this host and its server alone', () => {
    expect(tokenCookie(TOKEN, asking({}, { secure: true }), 60)).toBe(
      `__Host-spawner-token=${TOKEN}; Path=/; Max-Age=60; HttpOnly; Secure; SameSite=Lax`,
    );
    expect(tokenCookie(TOKEN, asking({}), 60)).toBe(
      `spawner-token=${TOKEN}; Path=/; Max-Age=60; HttpOnly; SameSite=Lax`,
    );
  });

  it.each([
    ['iframe', 'cross-site', true, 'SameSite=None; Partitioned'],
    ['frame', 'cross-site', true, 'SameSite=None; Partitioned'],
    ['iframe', 'same-site', true, 'SameSite=Lax'],
    ['document', 'cross-site', true, 'SameSite=Lax'],
    ['iframe', 'cross-site', false, 'SameSite=Lax'],
  ])('of a %s that a %s page shows, TLS: %s, has %s', (dest, site, secure, attributes) => {
    const request = asking({ 'sec-fetch-dest': dest, 'sec-fetch-site': site }, { secure });
    const [, sameSite] = tokenCookie(TOKEN, request, 60).split(secure ? 'Secure; ' : 'HttpOnly; ');
    expect(sameSite).toBe(attributes);
  });

  it.each([
    [undefined, undefined],
    [`spawner-token=${TOKEN}`, undefined],
    [`a=1;spawner-token=${TOKEN};  __Host-spawner-token = x; b=2=3;`, 'a=1; b=2=3'],
    ['xspawner-token=1; spawner-tokens=2', 'xspawner-token=1; spawner-tokens=2'],
  ])('%s without it is %s', (cookie, left) => {
    expect(withoutTokenCookies(cookie)).toBe(left);
  });
});
