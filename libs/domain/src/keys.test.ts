import { keyViolations } from './keys.ts';

const fields = (part: object) =>
  keyViolations({ namespace: '', name: 'a', tag: '', ...part }).map(({ field }) => field);

describe('keyViolations', () => {
  it.each([
    ['a'],
    ['{}'],
    ['*'],
    ['a b/c:d.e%'],
    ['line\nbreak\t\r'],
    ['\u0001\u007f'],
    ['👩‍👩‍👧'],
    ['é'.repeat(256)],
    ['x'.repeat(512)],
    ['__proto__'],
  ])('takes %j for a namespace, a name and a tag', (text) => {
    expect(fields({ namespace: text, name: text, tag: text })).toEqual([]);
  });
  it('wants a name, and no more than a name', () => {
    expect(fields({})).toEqual([]);
    expect(fields({ name: '' })).toEqual(['key.name']);
  });
  it.each([['a\0'], ['\ud800'], ['x'.repeat(513)], ['é'.repeat(257)]])(
    'refuses %j, and names every field that has it',
    (text) => {
      expect(fields({ namespace: text, name: text, tag: text })).toEqual([
        'key.namespace',
        'key.name',
        'key.tag',
      ]);
    },
  );
});
