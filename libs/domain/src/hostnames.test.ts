import { backendIdOfHost, isDomain } from './hostnames.ts';

const ID = 'abcdefghijklmnopqrstuvwxyz';

describe('backendIdOfHost', () => {
  it.each([
    `${ID}.spawner.localhost`,
    `${ID}.spawner.localhost:8000`,
    `${ID.toUpperCase()}.Spawner.LocalHost.`,
    `${ID}.spawner.localhost.:443`,
  ])('finds the backend in %s', (host) => {
    expect(backendIdOfHost(host, 'spawner.localhost')).toBe(ID);
  });
  it.each([
    '',
    'spawner.localhost',
    `x.${ID}.spawner.localhost`,
    `${ID}.evilspawner.localhost`,
    `${ID}.spawner.localhost.evil`,
    'foo.spawner.localhost',
    `${ID}spawner.localhost`,
  ])('finds none in %j', (host) => {
    expect(backendIdOfHost(host, 'spawner.localhost')).toBeUndefined();
  });
});

describe('isDomain', () => {
  it.each([
    ['spawner.localhost', true],
    ['a..b', false],
    ['', false],
    ['A.b', false],
    ['a b', false],
    ['a_b.c', false],
    ['-a.b', false],
    [`${'a'.repeat(63)}.b`, true],
    [`${'a'.repeat(64)}.b`, false],
    [`a.${'b.'.repeat(94)}c`, false],
  ])('%j: %s', (text, expected) => {
    expect(isDomain(text)).toBe(expected);
  });
});
