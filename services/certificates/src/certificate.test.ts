import { makeAuthority, signServerCertificate } from './authority/x509.ts';
import { decodeCertificate, encodeCertificate, usableCertificate } from './certificate.ts';

const domains = ['cluster.test', '*.cluster.test'];
const lifetime = { notBefore: new Date('2024-01-01T00:00:00Z'), notAfter: new Date('2024-04-01T00:00:00Z') };
const now = new Date('2024-02-01T00:00:00Z');
const issue = async (names = domains) =>
  signServerCertificate(await makeAuthority('Test', lifetime), names, lifetime);

describe('usableCertificate', () => {
  it("has the certificate's lifetime", async () => {
    expect(usableCertificate(await issue(), domains, now)).toMatchObject({ ...lifetime, domains });
  });

  it('survives encoding and decoding', async () => {
    const certificate = usableCertificate(await issue(), domains, now);
    expect(decodeCertificate(encodeCertificate(certificate), domains, now)).toEqual(certificate);
  });

  it.each([
    ['expired', domains, lifetime.notAfter, 'has expired'],
    ['for other domains', ['cluster.test', 'b.test'], now, 'not for b.test'],
    ['for a domain with the same beginning', ['cluster.tes'], now, 'not for cluster.tes'],
  ])('refuses one that is %s', async (_, wanted, at, words) => {
    const issued = await issue();
    expect(() => usableCertificate(issued, wanted, at)).toThrow(words);
  });

  it('refuses another key’s certificate, and garbage', async () => {
    const [one, two] = [await issue(), await issue()];
    expect(() => usableCertificate({ ...one, keyPem: two.keyPem }, domains, now)).toThrow(
      'not the certificate’s',
    );
    expect(() => usableCertificate({ ...one, chainPem: 'garbage' }, domains, now)).toThrow();
    expect(() => decodeCertificate(Buffer.from('garbage'), domains, now)).toThrow();
  });
});
