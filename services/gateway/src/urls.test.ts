import { backendUrl } from './urls.ts';

const url = (urlScheme: 'http' | 'https', urlPort: number) =>
  backendUrl('abc', { urlScheme, urlPort, clusterDomain: 'a.test' });

describe('backendUrl', () => {
  it('names the port, unless it is the scheme’s own', () => {
    expect(url('http', 8000)).toBe('http://abc.a.test:8000/');
    expect(url('http', 443)).toBe('http://abc.a.test:443/');
    expect(url('http', 80)).toBe('http://abc.a.test/');
    expect(url('https', 443)).toBe('https://abc.a.test/');
  });
});
