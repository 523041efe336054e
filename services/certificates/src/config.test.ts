import { join } from 'node:path';
import { ConfigError, masked } from '@spawner/service';
import { domainsOf, readConfig } from './config.ts';

const problemsOf = (env: Record<string, string>) => {
  try {
    readConfig(env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
};
const acme = {
  SPAWNER_CERTIFICATES_ISSUER: 'acme',
  SPAWNER_CERTIFICATES_ACME_DIRECTORY: 'https://acme.example.com/directory',
};

describe('readConfig', () => {
  it('uses the development authority by default', () => {
    const config = readConfig({});
    expect(config).toMatchObject({ issuer: 'local', port: 50055, advertiseAddress: '127.0.0.1:50055' });
    expect(domainsOf(config)).toEqual(['spawner.localhost', '*.spawner.localhost']);
  });

  it('checks the dns servers that it sets challenges on, at their usual port', () => {
    const env = { ...acme, SPAWNER_CERTIFICATES_DNS_ADDRESSES: 'dns-a:50054,192.0.2.1:1,[2001:db8::1]:2' };
    expect(readConfig(env).dnsResolvers).toEqual(['dns-a:5300', '192.0.2.1:5300', '[2001:db8::1]:5300']);
  });

  it('shows no key in the log', () => {
    const env = {
      ...acme,
      SPAWNER_CERTIFICATES_ACME_EAB_KID: 'kid',
      SPAWNER_CERTIFICATES_ACME_EAB_HMAC_KEY: 'deep',
    };
    expect(JSON.stringify(masked(readConfig(env)))).not.toContain('deep');
  });

  it.each([
    ['acme without a directory', { SPAWNER_CERTIFICATES_ISSUER: 'acme' }, 'ACME_DIRECTORY is required'],
    ['a directory without HTTPS', { ...acme, SPAWNER_CERTIFICATES_ACME_DIRECTORY: 'http://a' }, 'https'],
    ['a key id without a key', { ...acme, SPAWNER_CERTIFICATES_ACME_EAB_KID: 'k' }, 'HMAC_KEY is required'],
    ['a key without its id', { ...acme, SPAWNER_CERTIFICATES_ACME_EAB_HMAC_KEY: 'k' }, 'EAB_KID is required'],
    [
      'a root that is not there',
      { ...acme, SPAWNER_CERTIFICATES_ACME_CA_FILE: join(__dirname, 'none') },
      'none',
    ],
    ['an address without a port', { SPAWNER_CERTIFICATES_DNS_ADDRESSES: 'dns' }, 'host:port'],
    ['another issuer', { SPAWNER_CERTIFICATES_ISSUER: 'nobody' }, 'local, acme'],
  ])('refuses %s', (_, env, words) => {
    expect(problemsOf(env)).toEqual([expect.stringContaining(words)]);
  });
});
