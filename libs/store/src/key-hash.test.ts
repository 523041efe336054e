import { keyHash } from './key-hash.ts';

describe('keyHash', () => {
  it('has 43 digits of base64url for any text', () => {
    for (const name of ['a', '{}', '*', 'line\nbreak', '🙂', 'x'.repeat(512)])
      expect(keyHash({ namespace: name, name })).toMatch(/^[\w-]{43}$/);
  });
  it('differs if the border between namespace and name differs', () => {
    const parts = [
      ['', 'abc'],
      ['a', 'bc'],
      ['ab', 'c'],
      ['abc', ''],
      ['a:', 'bc'],
      ['a', ':bc'],
    ];
    const hashes = parts.map(([namespace = '', name = '']) => keyHash({ namespace, name }));
    expect(new Set(hashes).size).toBe(parts.length);
  });
});
