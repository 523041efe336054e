import { readFileSync } from 'node:fs';
import type { App } from '@spawner/service';
import { AcmeIssuer } from './acme-issuer.ts';
import { AuthorityFiles } from './authority-files.ts';
import type { CertificateStore } from './certificate-store.ts';
import type { CertificatesConfig } from './config.ts';
import { DnsChallenges } from './dns-challenges.ts';
import type { Issuer } from './issuer.ts';
import { LocalAuthority } from './local-authority.ts';
import { Propagation } from './propagation.ts';

/** The configured issuer. */
export function issuerOf(config: CertificatesConfig, store: CertificateStore, app: App): Issuer {
  const { clock, log } = app;
  if (config.issuer === 'local')
    return new LocalAuthority({
      domain: config.clusterDomain,
      store,
      files: new AuthorityFiles(config.stateDir),
      clock,
      log,
    });
  const propagation = new Propagation(config.dnsResolvers, clock);
  const challenges = app.own(new DnsChallenges(config.dnsAddresses, propagation, clock, log));
  const options = {
    directory: config.acmeDirectory,
    email: config.acmeEmail,
    binding: config.acmeEabKid ? { kid: config.acmeEabKid, hmacKey: config.acmeEabHmacKey } : undefined,
    rootPem: config.acmeCaFile && readFileSync(config.acmeCaFile, 'utf8'),
  };
  return new AcmeIssuer(options, store, challenges, log);
}
