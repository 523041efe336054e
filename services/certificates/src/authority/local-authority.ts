/**
 * A certificate authority for development, whose root people trust once. All services of a cluster share one authority in
 * the store. The copy on this machine's disk survives an emptied store, so that the trusted root stays the same.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { Clock } from '@spawner/domain';
import type { Log } from '@spawner/service';
import type { Issued, Issuer } from '../issuer.ts';
import type { CertificateStore } from '../store/certificate-store.ts';
import type { AuthorityFiles } from './authority-files.ts';
import { makeAuthority, signServerCertificate } from './x509.ts';

const DAY_MS = 86_400_000;
const AUTHORITY_DAYS = 3_650;
const LEAF_DAYS = 90;
/** Browsers' clocks may be slow. */
const BACKDATE_MS = 3_600_000;
const KEY_BEGINS = '-----BEGIN PRIVATE KEY-----';

export interface LocalAuthorityParts {
  readonly domain: string;
  readonly store: CertificateStore;
  readonly files: AuthorityFiles;
  readonly clock: Clock;
  readonly log: Log;
}

export class LocalAuthority implements Issuer {
  readonly name = 'local';
  readonly #parts: LocalAuthorityParts;

  constructor(parts: LocalAuthorityParts) {
    this.#parts = parts;
  }

  async issue(domains: readonly string[]): Promise<Issued> {
    return signServerCertificate(await this.#authority(), domains, this.#lifetime(LEAF_DAYS));
  }

  /** The root is on this machine's disk when this resolves. */
  async prepare(): Promise<void> {
    await this.#authority();
  }

  /** The authority that all services share: the one in the store, else the one on this disk, else a new one. */
  async #authority(): Promise<Issued> {
    const { domain, store, files, log } = this.#parts;
    const stored = await store.authority(domain);
    const onDisk = await files.authority();
    const known = this.#usable(stored) ?? this.#usable(onDisk);
    const proposed = known ?? (await makeAuthority(`Spawner ${domain}`, this.#lifetime(AUTHORITY_DAYS)));
    if (stored !== undefined && !this.#usable(stored)) await store.forgetAuthority(domain);
    const agreed = this.#usable(await store.agreeOnAuthority(domain, textOf(proposed))) ?? proposed;
    if (onDisk !== textOf(agreed)) {
      await files.saveAuthority(agreed.chainPem, agreed.keyPem);
      const { fingerprint256 } = new X509Certificate(agreed.chainPem);
      log.info({ fingerprint: fingerprint256 }, 'the root certificate to trust was written');
    }
    return agreed;
  }

  /** The authority in this text. Returns undefined if it is unreadable or expires before a new leaf would. */
  #usable(text: string | undefined): Issued | undefined {
    const end = text?.indexOf(KEY_BEGINS) ?? -1;
    if (text === undefined || end < 0) return undefined;
    const [chainPem, keyPem] = [text.slice(0, end), text.slice(end)];
    try {
      const certificate = new X509Certificate(chainPem);
      const lasts = new Date(certificate.validTo) > this.#lifetime(LEAF_DAYS).notAfter;
      return lasts && certificate.checkPrivateKey(createPrivateKey(keyPem))
        ? { chainPem, keyPem }
        : undefined;
    } catch (error) {
      this.#parts.log.warn({ error }, 'a stored authority cannot be used');
      return undefined;
    }
  }

  #lifetime(days: number) {
    const now = this.#parts.clock.wall().getTime();
    return { notBefore: new Date(now - BACKDATE_MS), notAfter: new Date(now + days * DAY_MS) };
  }
}

function textOf({ chainPem, keyPem }: Issued): string {
  return `${chainPem}${keyPem}`;
}
