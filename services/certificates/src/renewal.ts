import { backoffMs } from '@spawner/domain';

/** The part of its lifetime that a certificate has left when it is renewed. */
const RENEW_AT_LEFT = 1 / 3;
const FIRST_RETRY_MS = 30_000;
const LAST_RETRY_MS = 3_600_000;

/** When a certificate of this lifetime is renewed: a third of it is left. */
export function renewalTime({ notBefore, notAfter }: { notBefore: Date; notAfter: Date }): Date {
  const lifetimeMs = notAfter.getTime() - notBefore.getTime();
  return new Date(notAfter.getTime() - lifetimeMs * RENEW_AT_LEFT);
}

/** Whether a new certificate is wanted now; always where there is none. */
export function isDue(certificate: { notBefore: Date; notAfter: Date } | undefined, now: Date): boolean {
  return certificate === undefined || now >= renewalTime(certificate);
}

/** How long to leave the issuer alone after `failures` in a row (1 is the first): 30 s to 1 h, doubling, of which a random half is taken off. */
export function retryMs(failures: number, random: () => number): number {
  return backoffMs(failures - 1, random, { firstMs: FIRST_RETRY_MS, maxMs: LAST_RETRY_MS });
}
