import { createSecureContext } from 'node:tls';
import { backoffMs } from '@spawner/domain';
import { type Certificate, CertificatesServiceService } from '@spawner/proto/internal/certificates_service';
import { createClient } from '@spawner/rpc';
import type { App, Log } from '@spawner/service';

/** A certificate for a TLS listener, with its chain, in PEM. */
export interface KeyPair {
  cert: string;
  key: string;
}

/**
 * Follows the cluster's certificate: `take` gets the present one and every later one. A broken stream is reopened with
 * back-off. A certificate whose key does not fit is logged and ignored.
 */
export async function followCertificates(
  address: string,
  take: (pair: KeyPair) => void,
  { clock, log, signal }: Pick<App, 'clock' | 'log' | 'signal'>,
): Promise<void> {
  const client = createClient(CertificatesServiceService, address);
  try {
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        for await (const { certificate } of client.watchCertificates({}, { signal })) {
          attempt = 0;
          if (certificate) use(certificate, take, log);
        }
      } catch (error) {
        if (signal.aborted) return;
        if (attempt === 0) log.warn({ error }, 'the certificates service does not answer');
      }
      await clock.sleep(backoffMs(attempt, Math.random), signal).catch(() => {});
    }
  } finally {
    client.close();
  }
}

function use(certificate: Certificate, take: (pair: KeyPair) => void, log: Log): void {
  const pair = { cert: certificate.chainPem, key: certificate.keyPem };
  try {
    createSecureContext(pair);
  } catch (error) {
    log.error({ error, domains: certificate.domains }, 'a certificate cannot be used');
    return;
  }
  take(pair);
  log.info({ domains: certificate.domains, not_after: certificate.notAfter }, 'certificate in use');
}
