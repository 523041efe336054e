/**
 * A certificate authority of our own, for development: people trust its root once. All services of a
 * cluster sign with one authority, which stands in the store; on this machine's disk it outlives a store
 * that was emptied, so that the root stays the one that was trusted.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { Clock } from '@spawner/domain';
import type { Log } from '@spawner/service';
import type { AuthorityFiles } from './authority-files.ts';
import type { CertificateStore } from './certificate-store.ts';
import type { Issued, Issuer } from './issuer.ts';
import { makeAuthority, signServerCertificate } from './x509.ts';

const DAY_MS = 86_400_000;
const AUTHORITY_DAYS = 3_650;
const LEAF_DAYS = 90;
/** Clocks of browsers may be late. */
const BACKDATE_MS = 3_600_000;
const KEY_BEGINS = '-----BEGIN PRIVATE KEY-----';

export class LocalAuthority implements Issuer {
  readonly name = 'local';
  readonly #domain: string;
  readonly #store: CertificateStore;
  readonly #files: AuthorityFiles;
  readonly #clock: Clock;
  readonly #log: Log;

  constructor(domain: string, store: CertificateStore, files: AuthorityFiles, clock: Clock, log: Log) {
    this.#domain = domain;
    this.#store = store;
    this.#files = files;
    this.#clock = clock;
    this.#log = log;
  }

  async issue(domains: readonly string[]): Promise<Issued> {
    return signServerCertificate(await this.#authority(), domains, this.#lifetime(LEAF_DAYS));
  }

  /** The root stands on this machine's disk when this resolves. */
  async prepare(): Promise<void> {
    await this.#authority();
  }

  /** The authority that all agree on: the stored one, else the one on this disk, else a new one. */
  async #authority(): Promise<Issued> {
    const stored = await this.#store.authority(this.#domain);
    const kept = await this.#files.authority();
    const known = this.#usable(stored) ?? this.#usable(kept);
    const proposed =
      known ?? (await makeAuthority(`Spawner ${this.#domain}`, this.#lifetime(AUTHORITY_DAYS)));
    if (stored !== undefined && !this.#usable(stored)) await this.#store.forgetAuthority(this.#domain);
    const agreed =
      this.#usable(await this.#store.agreeOnAuthority(this.#domain, textOf(proposed))) ?? proposed;
    if (kept !== textOf(agreed)) {
      await this.#files.saveAuthority(agreed.chainPem, agreed.keyPem);
      const { fingerprint256 } = new X509Certificate(agreed.chainPem);
      this.#log.info({ fingerprint: fingerprint256 }, 'the root certificate to trust was written');
    }
    return agreed;
  }

  /** The authority in this text, where it is one that will outlive what it signs. */
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
      this.#log.warn({ error }, 'a stored authority cannot be used');
      return undefined;
    }
  }

  #lifetime(days: number) {
    const now = this.#clock.wall().getTime();
    return { notBefore: new Date(now - BACKDATE_MS), notAfter: new Date(now + days * DAY_MS) };
  }
}

function textOf({ chainPem, keyPem }: Issued): string {
  return `${chainPem}${keyPem}`;
}
