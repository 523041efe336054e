import { keyHash } from './key-hash.ts';

describe('keyHash', () => {
  it('is 64 hexadecimal digits whatever the text is', () => {
    for (const name of ['a', '{}', '*', 'line\nbreak', '🙂', 'x'.repeat(512)])
      expect(keyHash({ namespace: name, name })).toMatch(/^[0-9a-f]{64}$/);
  });
  it('tells namespace and name apart wherever the border is', () => {
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
