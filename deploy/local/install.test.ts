import { join } from 'node:path';

interface NpmRecord {
  packages: { [path: string]: { version?: string; link?: boolean; optional?: boolean } };
}
interface Install {
  npmIsCurrent(lock: NpmRecord | undefined, installed: NpmRecord | undefined): boolean;
  installSystem(names: string[]): void;
  projectEnv(): Record<string, string | undefined>;
}

describe('the installer', () => {
  let install: Install;
  beforeAll(async () => {
    // Plain JavaScript without declarations: it has to run before anything is installed.
    install = (await import(join(import.meta.dirname, 'install.mjs'))) as Install;
  });

  const lock: NpmRecord = {
    packages: {
      '': { version: '0.1.0' },
      'node_modules/a': { version: '1.0.0' },
      'node_modules/@spawner/bus': { link: true },
      'node_modules/for-another-platform': { version: '1.0.0', optional: true },
    },
  };
  const installed = (changes: NpmRecord['packages'] = {}): NpmRecord => ({
    packages: {
      'node_modules/a': { version: '1.0.0' },
      'node_modules/@spawner/bus': { link: true },
      ...changes,
    },
  });

  it('is content when npm installed what the lock says, whatever is left out for other platforms', () => {
    expect(install.npmIsCurrent(lock, installed())).toBe(true);
  });

  it('sees that nothing is installed, or another version, or too little', () => {
    expect(install.npmIsCurrent(lock, undefined)).toBe(false);
    expect(install.npmIsCurrent(lock, installed({ 'node_modules/a': { version: '0.9.0' } }))).toBe(false);
    expect(install.npmIsCurrent(lock, { packages: { 'node_modules/a': { version: '1.0.0' } } })).toBe(false);
  });

  it('keeps what Node compiled among the packages, unless the user has chosen a place', () => {
    const { NODE_COMPILE_CACHE: chosen, ...rest } = process.env;
    process.env = { ...rest };
    try {
      expect(install.projectEnv().NODE_COMPILE_CACHE).toMatch(/node_modules\/\.cache\/node$/);
      process.env.NODE_COMPILE_CACHE = '/elsewhere';
      expect(install.projectEnv().NODE_COMPILE_CACHE).toBe('/elsewhere');
    } finally {
      process.env = chosen === undefined ? rest : { ...rest, NODE_COMPILE_CACHE: chosen };
    }
  });

  it('names what it knows when it is asked for something else', () => {
    expect(() => install.installSystem(['emacs'])).toThrow(/"emacs"; known are redis-server, /);
  });
});
