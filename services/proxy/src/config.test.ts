import { readConfig } from './config.ts';
import { isCidr, trustedAddresses } from './edge/trusted-addresses.ts';

describe('readConfig', () => {
  it('has a default for everything', () => {
    expect(readConfig({})).toMatchObject({
      httpPort: 8000,
      https: false,
      redirectToHttps: false,
      holdTimeoutMs: 30_000,
      adminPort: 9104,
      droneId: '',
      publicAddresses: [],
    });
    expect(readConfig({}).id).toMatch(/^proxy-[0-9a-f]{8}$/);
  });

  it('redirects where TLS is on, unless told otherwise, and never where it is off', () => {
    const redirects = (https: string, redirect?: string) =>
      readConfig({ SPAWNER_PROXY_HTTPS: https, SPAWNER_PROXY_REDIRECT_TO_HTTPS: redirect }).redirectToHttps;
    expect([redirects('true'), redirects('true', 'false'), redirects('false', 'true')]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('has its fast path on, unless told otherwise', () => {
    const fastPath = (text?: string) => readConfig({ SPAWNER_PROXY_FAST_PATH: text }).fastPath;
    expect([fastPath(), fastPath('on'), fastPath('off')]).toEqual([true, true, false]);
    expect(() => fastPath('no')).toThrow(/SPAWNER_PROXY_FAST_PATH must be one of on, off/);
  });

  it('names every mistake', () => {
    const env = {
      SPAWNER_PROXY_DRONE_ID: 'A',
      SPAWNER_PROXY_PUBLIC_ADDRESSES: '192.0.2.1,example.org',
      SPAWNER_PROXY_PUBLIC_HTTPS_PORT: '70000',
      SPAWNER_PROXY_PUBLIC_ADDRESS_API: 'ftp://x',
      SPAWNER_PROXY_TRUSTED_ADDRESSES: '::1/129',
      SPAWNER_PROXY_HOLD_TIMEOUT_MS: '600001',
      SPAWNER_PROXY_RESTART_HOLD_MS: '60001',
      SPAWNER_PROXY_END_REDIRECT_URL: 'https://app.test/{why}',
      SPAWNER_PROXY_START_AGAIN_URL: 'javascript:alert(1)',
      SPAWNER_PROXY_END_PAGE_FILE: '/nowhere/at/all',
    };
    for (const name of Object.keys(env)) expect(() => readConfig(env)).toThrow(name);
  });
});

describe('trusted addresses', () => {
  it.each([
    ['10.0.0.0/8', true],
    ['::1', true],
    ['2001:db8::/32', true],
    ['10.0.0.0/33', false],
    ['10.0.0.0/8/8', false],
    ['10.0.0/8', false],
    ['10.0.0.0/', false],
    ['localhost', false],
  ])('%s may be one: %s', (text, valid) => {
    expect(isCidr(text)).toBe(valid);
  });

  it('are those in the ranges and no others', () => {
    const trust = trustedAddresses(['10.1.0.0/16', '2001:db8::/32', '192.0.2.7']);
    const trusted = (address: string) => trust.includes(address);
    expect(['10.1.2.3', '2001:db8::5', '192.0.2.7', '::ffff:10.1.2.3'].map(trusted)).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(['10.2.0.1', '2001:db9::1', '192.0.2.8', ''].map(trusted)).toEqual([false, false, false, false]);
    expect(trustedAddresses([]).includes('127.0.0.1')).toBe(false);
  });
});
