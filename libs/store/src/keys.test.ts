import { parseDue } from './due.ts';
import { CATALOGUE, keysOf } from './keys.ts';

describe('keysOf', () => {
  it('names every key under the cluster, whose braces keep it in one slot', () => {
    const keys = keysOf('blue');
    const names = Object.values(keys).map((name) => (typeof name === 'string' ? name : name('x')));
    expect(names).toHaveLength(Object.keys(CATALOGUE).length);
    expect(names.every((name) => name.startsWith('spawner:{blue}:'))).toBe(true);
    expect(new Set(names).size).toBe(names.length);
  });

  it('puts an id where the pattern has it', () => {
    const keys = keysOf('blue');
    expect([keys.epoch, keys.drone('d'), keys.stops('d')]).toEqual([
      'spawner:{blue}:epoch',
      'spawner:{blue}:drone:d',
      'spawner:{blue}:drone:d:stops',
    ]);
  });
});

describe('parseDue', () => {
  it.each([
    ['reserve/b', { kind: 'reserve', id: 'b', of: '' }],
    ['lease/d', { kind: 'lease', id: 'd', of: '' }],
    ['suspend/b/17', { kind: 'suspend', id: 'b', of: '17' }],
    ['token/t/b', { kind: 'token', id: 't', of: 'b' }],
    ['unknown/b', undefined],
    ['leases/b', undefined],
    ['toString/b', undefined],
  ])('reads %s', (entry, due) => {
    expect(parseDue(entry)).toEqual(due);
  });
});
