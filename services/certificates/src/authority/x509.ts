/** Creates certificates. Only this file knows @peculiar/x509, which needs the reflection polyfill imported before it. */
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import type { Issued } from '../issuer.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

export interface Lifetime {
  notBefore: Date;
  notAfter: Date;
}

/** Creates a self-signed authority that may sign only leaves. */
export async function makeAuthority(commonName: string, lifetime: Lifetime): Promise<Issued> {
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [commonName] }],
    ...lifetime,
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { chainPem: pemText(certificate.toString('pem')), keyPem: await keyPem(keys.privateKey) };
}

/** Signs a server certificate with a new key. The chain is the leaf and the authority's certificate. */
export async function signServerCertificate(
  authority: Issued,
  domains: readonly string[],
  lifetime: Lifetime,
): Promise<Issued> {
  const issuer = new x509.X509Certificate(authority.chainPem);
  const keys = await newKeys();
  const extensions: x509.Extension[] = [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
    new x509.SubjectAlternativeNameExtension(domains.map((value) => ({ type: 'dns', value }))),
    await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    await x509.AuthorityKeyIdentifierExtension.create(issuer),
  ];
  const certificate = await x509.X509CertificateGenerator.create({
    subject: [{ CN: [(domains[0] ?? '').slice(0, 64)] }],
    issuer: issuer.subject,
    ...lifetime,
    publicKey: keys.publicKey,
    signingKey: await importKey(authority.keyPem),
    signingAlgorithm: ALGORITHM,
    extensions,
  });
  const chainPem = `${pemText(certificate.toString('pem'))}${authority.chainPem}`;
  return { chainPem, keyPem: await keyPem(keys.privateKey) };
}

async function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  const uses = ['sign', 'verify'] as const;
  return webcrypto.subtle.generateKey(ALGORITHM, true, uses) as Promise<webcrypto.CryptoKeyPair>;
}

async function keyPem(key: webcrypto.CryptoKey): Promise<string> {
  return pemText(x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY'));
}

async function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  const [pkcs8] = x509.PemConverter.decode(pem);
  if (!pkcs8) throw new Error('the authority has no key');
  return webcrypto.subtle.importKey('pkcs8', pkcs8, ALGORITHM, false, ['sign']);
}

function pemText(pem: string): string {
  return `${pem.trim()}\n`;
}
