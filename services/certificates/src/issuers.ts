import { readFileSync } from 'node:fs';
import type { App } from '@spawner/service';
import { DnsChallenges } from './acme/dns-challenges.ts';
import { propagationTo } from './acme/propagation.ts';
import { AuthorityFiles } from './authority/authority-files.ts';
import { LocalAuthority } from './authority/local-authority.ts';
import type { CertificatesConfig } from './config.ts';
import type { Issuer } from './issuer.ts';
import type { CertificateStore } from './store/certificate-store.ts';

/** The configured issuer. */
export async function issuerOf(
  config: CertificatesConfig,
  store: CertificateStore,
  app: App,
): Promise<Issuer> {
  const { clock, log } = app;
  const files = new AuthorityFiles(config.stateDir);
  if (config.issuer === 'local')
    return new LocalAuthority({ domain: config.clusterDomain, store, files, clock, log });
  // Loaded only where it is used: its libraries are a fifth of the service's start.
  const { AcmeIssuer } = await import('./acme/acme-issuer.ts');
  const propagation = propagationTo(config.dnsResolvers, clock);
  const challenges = app.own(new DnsChallenges(config.dnsAddresses, propagation, clock, log));
  return new AcmeIssuer({
    ...{ store, challenges, log },
    directory: config.acmeDirectory,
    email: config.acmeEmail,
    binding: config.acmeEabKid ? { kid: config.acmeEabKid, hmacKey: config.acmeEabHmacKey } : undefined,
    rootPem: config.acmeCaFile && readFileSync(config.acmeCaFile, 'utf8'),
  });
}
