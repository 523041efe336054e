import { readServiceConfig } from './config.ts';
import { ConfigError } from './env.ts';

const read = (env: Record<string, string>) =>
  readServiceConfig('proxy', env, 9104, (reader, prefix) => ({
    httpPort: reader.port(`${prefix}HTTP_PORT`, 8000),
    https: reader.flag(`${prefix}HTTPS`, false),
    token: reader.secret(`${prefix}TOKEN`),
  }));

describe('readServiceConfig', () => {
  it('uses defaults for variables that are unset or empty', () => {
    expect(read({ SPAWNER_PROXY_HTTP_PORT: '' })).toMatchObject({
      cluster: 'local',
      clusterDomain: 'spawner.localhost',
      httpPort: 8000,
      https: false,
      adminPort: 9104,
    });
  });
  it('reads values', () => {
    expect(read({ SPAWNER_PROXY_HTTP_PORT: '81', SPAWNER_PROXY_HTTPS: 'true' })).toMatchObject({
      httpPort: 81,
      https: true,
    });
  });
  it('lists every problem in one error', () => {
    const env = {
      SPAWNER_PROXY_HTTP_PORT: '8x',
      SPAWNER_PROXY_HTTPS: 'yes',
      SPAWNER_CLUSTER_DOMAIN: 'A b',
      SPAWNER_PROXY_HTPS_PORT: '1',
      SPAWNER_PROXY_TOKEN_FILE: '/nowhere/at/all',
    };
    expect(() => read(env)).toThrow(ConfigError);
    try {
      read(env);
    } catch (error) {
      expect((error as ConfigError).problems).toEqual([
        'SPAWNER_CLUSTER_DOMAIN must be a lower-case domain name, not "A b"',
        'SPAWNER_PROXY_HTTP_PORT must be a whole number from 0 to 65535, not "8x"',
        'SPAWNER_PROXY_HTTPS must be one of true, false, not "yes"',
        'SPAWNER_PROXY_TOKEN_FILE names a file that cannot be read: /nowhere/at/all',
        'SPAWNER_PROXY_HTPS_PORT is not known',
      ]);
    }
  });
  it('accepts the shared SPAWNER_SCHEDULER_ADDRESS under the prefix of the scheduler', () => {
    const env = { SPAWNER_SCHEDULER_ADDRESS: '127.0.0.1:50052' };
    expect(() => readServiceConfig('scheduler', env, 9102, () => ({}))).not.toThrow();
  });
  it("leaves other services' variables alone", () => {
    expect(() => read({ SPAWNER_GATEWAY_NONSENSE: '1' })).not.toThrow();
  });
});
