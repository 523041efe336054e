import { importsOf, strayClients, wrongDirections } from './imports.ts';
import { sources } from './sources.ts';

const source = (path: string, text: string) => ({ path, text });

describe('imports', () => {
  it('run one way: domain ← proto ← service ← rpc, bus, store, cluster ← services, and no service imports another', () => {
    expect(sources().flatMap(wrongDirections)).toEqual([]);
  });

  it('of each third-party client stand in its one home', () => {
    expect(strayClients(sources())).toEqual([]);
  });
});

describe('the rules about imports', () => {
  it('see imports of every form', () => {
    const text = `
      import 'one';
      import two, { type Two } from 'two';
      import type {
        Three,
      } from '@three/three/deep';
      export * from './four.ts';
      const five = await import('five');
      const notOne = "from 'six'";`;
    expect(importsOf(source('libs/domain/src/a.ts', text))).toEqual([
      'one',
      'two',
      '@three/three/deep',
      './four.ts',
      'five',
    ]);
  });

  it.each([
    ['libs/domain/src/a.ts', '@spawner/proto', 'may import only nothing of ours'],
    ['libs/store/src/a.ts', '@spawner/rpc', 'may import only domain, proto, service'],
    ['services/dns/src/a.ts', '@spawner/proxy/routes', 'services/dns may import only domain'],
    ['services/dns/src/a.ts', '@spawner/testkit', 'services/dns may import only domain'],
    ['services/dns/src/a.ts', '../../proxy/src/routes.ts', 'reaches out of its package'],
    ['services/dns/src/a.ts', '../../../test/runner/tally.ts', 'reaches out of its package'],
  ])('refuse %s importing %s', (path, specifier, complaint) => {
    expect(wrongDirections(source(path, `import '${specifier}';`))).toEqual([
      expect.stringContaining(complaint),
    ]);
  });

  it.each([
    ['services/dns/src/a.ts', '@spawner/store'],
    ['services/dns/src/a.ts', './zone.ts'],
    ['services/dns/src/a.test.ts', '@spawner/testkit'],
    ['libs/proto/src/a.ts', '@spawner/proto/v1/backend'],
    ['libs/domain/src/a.ts', 'node:crypto'],
  ])('allow %s importing %s', (path, specifier) => {
    expect(wrongDirections(source(path, `import '${specifier}';`))).toEqual([]);
  });

  it('find a client away from home, and one with two files', () => {
    const found = strayClients([
      source('libs/store/src/a.ts', "import { createClient } from 'redis';"),
      source('libs/store/src/b.ts', "import type { RedisClientType } from 'redis';"),
      source('libs/store/src/b.test.ts', "import { createClient } from 'redis';"),
      source('services/proxy/src/a.ts', "import { Metadata } from '@grpc/grpc-js';"),
    ]);
    expect(found).toEqual([
      expect.stringContaining('services/proxy/src/a.ts imports'),
      expect.stringContaining('in 2 files: libs/store/src/a.ts, libs/store/src/b.ts'),
    ]);
  });
});
