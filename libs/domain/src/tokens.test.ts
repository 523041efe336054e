import { randomBytes } from 'node:crypto';
import {
  CLAIMS_BYTES,
  claimsHeader,
  connectionTokenId,
  looksLikeToken,
  newConnectionToken,
  TOKEN_LIFE,
  tokenViolations,
} from './tokens.ts';

const fields = (asked: Partial<Parameters<typeof tokenViolations>[0]>) =>
  tokenViolations({ user: '', claims: {}, ...asked }).map(({ field }) => field);

describe('a connection token', () => {
  it('is 256 random bits in base64url, and its id is the SHA-256 of that text', () => {
    const zeros = newConnectionToken((count) => new Uint8Array(count));
    expect(zeros).toBe('A'.repeat(43));
    // openssl dgst -sha256 -binary | basenc --base64url
    expect(connectionTokenId(zeros)).toBe('DwBzhbb51LfusnSGBa_hqYSgo7-j8BTQnip4TOnlzRo');
    const many = new Set(Array.from({ length: 100 }, () => newConnectionToken(randomBytes)));
    expect(many.size).toBe(100);
    expect([...many].every(looksLikeToken)).toBe(true);
  });

  it.each([
    '',
    'A'.repeat(42),
    'A'.repeat(44),
    `${'A'.repeat(42)}=`,
    `${'A'.repeat(42)}+`,
    `${'A'.repeat(42)}é`,
  ])('is not %j', (text) => expect(looksLikeToken(text)).toBe(false));

  it('names every wrong field at once', () => {
    expect(fields({ user: 'é', claims: { a: 'x'.repeat(CLAIMS_BYTES) }, ttlMs: 0 })).toEqual([
      'user',
      'claims',
      'ttl_ms',
    ]);
  });

  it.each(['ada', 'ada@example.org', 'Ada Lovelace', '', 'x'.repeat(256)])('may name %j', (user) =>
    expect(fields({ user })).toEqual([]),
  );

  it.each(['x'.repeat(257), ' ada', 'ada ', 'a\r\nX-Spawner-Claims: {}', 'a\tb', 'a\0', 'Ädä', '🙂'])(
    'may not name %j, which is no plain header value',
    (user) => expect(fields({ user })).toEqual(['user']),
  );

  it.each([TOKEN_LIFE.min - 1, TOKEN_LIFE.max + 1, 1_000.5, Number.NaN])('does not live for %d ms', (ttlMs) =>
    expect(fields({ ttlMs })).toEqual(['ttl_ms']),
  );
});

describe('claims', () => {
  it('stand in a header as JSON in ASCII, whatever is in them', () => {
    const claims = { name: 'Ädä 🙂', line: 'a\r\nb\0', del: '\x7f', 'a"b': '\\' };
    const header = claimsHeader(claims);
    expect(header).toMatch(/^[ -~]+$/);
    expect(JSON.parse(header)).toEqual(claims);
    expect(claimsHeader({})).toBe('');
  });

  it('may be exactly as large as their bound', () => {
    const claims = { a: 'x'.repeat(CLAIMS_BYTES - '{"a":""}'.length) };
    expect(fields({ claims })).toEqual([]);
    expect(fields({ claims: { a: `${claims.a}x` } })).toEqual(['claims']);
    expect(fields({ claims: { a: 'ä'.repeat(CLAIMS_BYTES / 6) } })).toEqual(['claims']);
  });
});
