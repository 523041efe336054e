import { backoffMs } from '@spawner/domain';

/** The share of its lifetime that a certificate has left when it is renewed. */
const RENEW_AT_LEFT = 1 / 3;
const FIRST_RETRY_MS = 30_000;
const LAST_RETRY_MS = 3_600_000;

/** The time at which a certificate is renewed. */
export function renewalTime({ notBefore, notAfter }: { notBefore: Date; notAfter: Date }): Date {
  const lifetimeMs = notAfter.getTime() - notBefore.getTime();
  return new Date(notAfter.getTime() - lifetimeMs * RENEW_AT_LEFT);
}

/** Whether a renewal is due. It always is without a certificate. */
export function isDue(certificate: { notBefore: Date; notAfter: Date } | undefined, now: Date): boolean {
  return certificate === undefined || now >= renewalTime(certificate);
}

/** The pause after the given number of failures in a row (from 1). It doubles from 30 s to 1 h, less up to a random half. */
export function retryMs(failures: number, random: () => number): number {
  return backoffMs(failures - 1, random, { firstMs: FIRST_RETRY_MS, maxMs: LAST_RETRY_MS });
}
