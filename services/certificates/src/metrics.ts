import { counter, gauge } from '@spawner/service';

export type Metrics = ReturnType<typeof createMetrics>;

/** The metrics of certificates. Created after the meter provider has started. */
export function createMetrics() {
  return {
    issued: counter('spawner.certificates.issued', 'Certificates that the issuer has issued'),
    failed: counter('spawner.certificates.failures', 'Attempts to get a certificate that failed'),
  };
}

/** Reports the seconds until the current certificate expires, and 0 if there is none. */
export function observeExpiry(secondsLeft: () => number): void {
  const description = 'Seconds until the current certificate expires; 0 if there is none';
  gauge('spawner.certificates.expiry', description, secondsLeft);
}
