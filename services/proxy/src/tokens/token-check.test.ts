import { connectionTokenId } from '@spawner/domain';
import { RouteState } from '@spawner/proto/internal/route';
import { Access } from '@spawner/proto/v1/backend';
import { newRoute, type TokenRow } from '@spawner/store';
import { checkTokens, type TokenBearer } from './token-check.ts';
import type { Credentials } from './token-sources.ts';

const ID = 'abcdefghijklmnopqrstuvwxyz';
const NOW = 1_000_000;
const token = (char: string) => char.repeat(43);
const row = (fields: object): TokenRow => ({
  ...{ kind: 'tokenGrant', tokenId: '', epoch: 1 },
  ...{ backendId: ID, user: 'ada', claims: '{"a":"b"}', expireMs: NOW + 1, ...fields },
});

const ROWS = new Map<string, TokenRow>([
  [token('g'), row({})],
  [token('h'), row({ user: 'bob' })],
  [token('e'), row({ expireMs: NOW })],
  [token('r'), { kind: 'revokedToken', tokenId: '', epoch: 1 }],
  [token('s'), row({ backendId: 'z'.repeat(26) })],
]);
const BY_ID = new Map([...ROWS].map(([text, found]) => [connectionTokenId(text), found]));

const guarded = newRoute({ backendId: ID, state: RouteState.OPEN, access: Access.TOKEN });
const ask = (credentials: Partial<Credentials>, more: Partial<TokenBearer> = {}) =>
  checkTokens(
    {
      backendId: ID,
      route: guarded,
      credentials: { query: [], bearer: undefined, cookies: [], path: '/p?q=1', ...credentials },
      navigation: false,
      ...more,
    },
    (id) => BY_ID.get(id),
    NOW,
  );
const holder = { tokenId: connectionTokenId(token('g')), user: 'ada', claims: '{"a":"b"}', path: '/p?q=1' };

describe('checkTokens', () => {
  it.each([Access.UNSPECIFIED, Access.PUBLIC])(
    'lets every request to a public backend pass (%d)',
    (access) => {
      const route = newRoute({ access });
      expect(ask({ query: [token('x')] }, { route })).toEqual({ kind: 'public' });
      expect(ask({}, { route: undefined })).toEqual({ kind: 'public' });
    },
  );

  it('lets a good token in, however it came', () => {
    const byBearer = { kind: 'accepted', holder: { ...holder, byBearer: true } };
    const otherwise = { kind: 'accepted', holder: { ...holder, byBearer: false } };
    expect(ask({ bearer: token('g') })).toEqual(byBearer);
    expect(ask({ cookies: [token('g')] })).toEqual(otherwise);
    expect(ask({ query: [token('g')] })).toEqual(otherwise);
  });

  it.each([
    ['expired', 'e'],
    ['revoked', 'r'],
    ["a sibling's", 's'],
  ])('refuses a token that is %s', (_what, char) => {
    const refused = { kind: 'refused', unknown: [] };
    expect(ask({ bearer: token(char) })).toEqual(refused);
    expect(ask({ cookies: [token(char)] })).toEqual(refused);
    expect(ask({ query: [token(char)] })).toEqual(refused);
    expect(ask({ query: [token(char)] }, { navigation: true })).toEqual(refused);
  });

  it('refuses a request without one, and names unknown tokens, two at most', () => {
    expect(ask({})).toEqual({ kind: 'refused', unknown: [] });
    const [x, y, z] = ['x', 'y', 'z'].map(token) as [string, string, string];
    expect(ask({ bearer: x, cookies: [token('e'), y, z] })).toEqual({
      kind: 'refused',
      unknown: [x, y].map(connectionTokenId),
    });
    expect(ask({ query: ['not one', x] })).toEqual({ kind: 'refused', unknown: [connectionTokenId(x)] });
  });

  it('takes a token in the query alone, and one only', () => {
    expect(ask({ query: [token('x')], cookies: [token('g')], bearer: token('g') }).kind).toBe('refused');
    expect(ask({ query: [''], cookies: [token('g')] }).kind).toBe('refused');
    expect(ask({ query: [token('g'), token('g')] }).kind).toBe('refused');
    expect(ask({ query: [token('h')], cookies: [token('g')] })).toMatchObject({ holder: { user: 'bob' } });
  });

  it("takes the cookie if a bearer token is not ours but the application's own", () => {
    expect(ask({ bearer: token('x'), cookies: [token('e'), token('g')] })).toEqual({
      kind: 'accepted',
      holder: { ...holder, byBearer: false },
    });
  });

  it('has a browser take a cookie for the token in its address', () => {
    expect(ask({ query: [token('g')], path: '/p?q=\xe4' }, { navigation: true })).toEqual({
      kind: 'handover',
      token: token('g'),
      path: '/p?q=%E4',
      leftMs: 1,
    });
  });

  it.each([
    '//evil.test',
    '/\\evil.test',
    '//evil.test/?a',
    'https://evil.test/',
    '\\\\evil.test',
    '',
    '/\tevil',
    '/a\r\nb',
  ])('never sends a browser to %j', (path) => {
    expect(ask({ query: [token('g')], path }, { navigation: true })).toEqual({ kind: 'offsite' });
  });
});
