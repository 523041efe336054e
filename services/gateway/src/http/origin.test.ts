import { refuseStrangers } from './origin.ts';

const allowed = (headers: Record<string, string>, method = 'POST') => {
  try {
    refuseStrangers(method, headers, ['https://listed.example']);
    return true;
  } catch {
    return false;
  }
};

describe('refuseStrangers', () => {
  it('lets programs pass', () => {
    expect(allowed({ host: 'anything.example' })).toBe(true);
  });
  it.each([
    ['localhost:8080', 'http://localhost:8080', true],
    ['127.0.0.1:8080', 'http://127.0.0.1:8080', true],
    ['[::1]:8080', 'http://[::1]:8080', true],
    ['gateway:8080', 'http://gateway:8080', true],
    ['api.localhost', 'http://api.localhost', true],
    ['localhost:8080', 'http://localhost:8081', false],
    ['localhost:8080', 'http://x.spawner.localhost:8000', false],
    ['rebound.example', 'http://rebound.example', false],
    ['localhost:8080', 'null', false],
    ['localhost:8080', '', false],
    ['api.example', 'https://listed.example', true],
    ['api.example', 'https://listed.example:8443', false],
    ['api.example', 'http://listed.example', false],
  ])('at %s a page of %j may call: %s', (host, origin, may) => {
    expect(allowed({ host, origin })).toBe(may);
  });
  it('recognises other sites by browsers that send no origin', () => {
    expect(allowed({ 'sec-fetch-site': 'cross-site' }, 'GET')).toBe(false);
    expect(allowed({ 'sec-fetch-site': 'same-site' }, 'GET')).toBe(false);
    expect(allowed({ 'sec-fetch-site': 'none' }, 'GET')).toBe(true);
  });
  it('lets a link be followed, but nothing be sent by one', () => {
    const navigation = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };
    expect([allowed(navigation, 'GET'), allowed(navigation, 'POST')]).toEqual([true, false]);
  });
});
