import { NodeKind } from '@spawner/proto/internal/node';
import { ConfigError } from '@spawner/service';
import { nodeOf, readConfig, zoneSettings } from './config.ts';
import { INNER_DOT } from './protocol/query-reader.ts';

describe('readConfig', () => {
  it('has defaults that work on one machine', () => {
    const config = readConfig({});
    expect(config).toMatchObject({ port: 5300, grpcPort: 50054, listenAddress: '127.0.0.1', ttlSeconds: 10 });
    expect(zoneSettings(config)).toMatchObject({
      domain: 'spawner.localhost',
      nameservers: ['ns.spawner.localhost'],
      admin: 'hostmaster.spawner.localhost',
    });
    expect(nodeOf(config)).toMatchObject({ kind: NodeKind.DNS, rpcAddress: '127.0.0.1:50054' });
  });

  it('turns the mailbox into a name', () => {
    const config = readConfig({ SPAWNER_DNS_ADMIN_EMAIL: 'first.last@example.com' });
    expect(zoneSettings(config).admin).toBe(`first${INNER_DOT}last.example.com`);
  });

  it('reports every problem at once', () => {
    const env = {
      SPAWNER_DNS_PORT: '70000',
      SPAWNER_DNS_PUBLIC_ADDRESSES: '192.0.2.1, here',
      SPAWNER_DNS_NAMESERVERS: 'NS.example.com',
      SPAWNER_DNS_ADMIN_EMAIL: 'nobody',
      SPAWNER_DNS_LISTEN_ADDRESS: 'here',
      SPAWNER_DNS_TYPO: '1',
    };
    const problems = () => {
      try {
        return readConfig(env);
      } catch (error) {
        return error instanceof ConfigError ? error.problems : error;
      }
    };
    const named = [...String(problems()).matchAll(/SPAWNER_DNS_[A-Z_]+/g)].map(([name]) => name);
    expect(named.toSorted()).toEqual(Object.keys(env).toSorted());
  });
});
