import { isBackendId, isNodeId, newBackendId, parseBackendId } from './ids.ts';

describe('backend ids', () => {
  it('are 26 characters of base32 from random bytes', () => {
    const id = newBackendId((count) => Uint8Array.from({ length: count }, (_, index) => index * 9));
    expect(id).toHaveLength(26);
    expect(isBackendId(id)).toBe(true);
  });
  it.each(['', 'abc', 'A'.repeat(26), `${'a'.repeat(25)}1`, 'a'.repeat(27), `${'a'.repeat(26)}\n`])(
    'refuse %j',
    (text) => {
      expect(() => parseBackendId(text)).toThrow(/not a backend id/);
    },
  );
});

describe('node ids', () => {
  it.each([
    ['drone-1', true],
    ['-a', false],
    ['a-', false],
    ['', false],
    ['A', false],
    ['a'.repeat(64), false],
    ['a.b', false],
  ])('%j is one: %s', (text, expected) => {
    expect(isNodeId(text)).toBe(expected);
  });
});
