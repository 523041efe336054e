import { createPrivateKey, X509Certificate } from 'node:crypto';
import { Certificate } from '@spawner/proto/internal/certificates_service';
import type { Issued } from './issuer.ts';

/** A checked certificate, which can be served for its domains until it expires. */
export type Usable = Certificate & { notBefore: Date; notAfter: Date };

/**
 * Checks a certificate from an issuer or the store. Throws an Error that says why it cannot be served: it is unreadable,
 * has another key, lacks a domain, or has expired.
 */
export function usableCertificate(
  { chainPem, keyPem }: Issued,
  domains: readonly string[],
  now: Date,
): Usable {
  const leaf = new X509Certificate(chainPem);
  if (!leaf.checkPrivateKey(createPrivateKey(keyPem))) throw new Error('the key is not the certificate’s');
  const names = new Set((leaf.subjectAltName ?? '').split(', '));
  const missing = domains.filter((domain) => !names.has(`DNS:${domain}`));
  if (missing.length > 0) throw new Error(`the certificate is not for ${missing.join(', ')}`);
  const notBefore = new Date(leaf.validFrom);
  const notAfter = new Date(leaf.validTo);
  if (notAfter <= now) throw new Error('the certificate has expired');
  return { domains: [...domains], chainPem, keyPem, notBefore, notAfter };
}

export function encodeCertificate(certificate: Usable): Buffer {
  return Buffer.from(Certificate.encode(certificate).finish());
}

/** Throws like `usableCertificate`, and if the bytes are not a Certificate message. */
export function decodeCertificate(bytes: Buffer, domains: readonly string[], now: Date): Usable {
  return usableCertificate(Certificate.decode(bytes), domains, now);
}
