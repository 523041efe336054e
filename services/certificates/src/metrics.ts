import { counter, gauge } from '@spawner/service';

/** The metrics of certificates. Created after the meter provider has started. */
export interface Metrics {
  issued(): void;
  failed(): void;
}

export function createMetrics(): Metrics {
  const issued = counter('spawner.certificates.issued', 'Certificates that the issuer has issued');
  const failed = counter('spawner.certificates.failures', 'Attempts to get a certificate that failed');
  return { issued: () => issued(), failed: () => failed() };
}

/** Reports the seconds until the current certificate expires, and 0 if there is none. */
export function observeExpiry(secondsLeft: () => number): void {
  gauge(
    'spawner.certificates.expiry',
    'Seconds until the current certificate expires; 0 if there is none',
    secondsLeft,
  );
}
