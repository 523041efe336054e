/**
 * Keeps a certificate that can be served. Each turn compares this process with the store. The newer certificate is
 * current, and is put back into a store that lost it, because an issuer limits the certificates of a week. If a renewal is
 * due, the service that takes the issue lock issues, and the others find the result in the store. Each failure leaves the
 * issuer alone for longer; the first minute of that also holds for other services and after a restart.
 */
import { once } from 'node:events';
import { type Clock, within } from '@spawner/domain';
import { inSpan, type Log } from '@spawner/service';
import { decodeCertificate, encodeCertificate, type Usable, usableCertificate } from './certificate.ts';
import type { Issuer } from './issuer.ts';
import type { Metrics } from './metrics.ts';
import { isDue, renewalTime, retryMs } from './renewal.ts';
import type { CertificateStore } from './store/certificate-store.ts';
import type { IssueLock } from './store/issue-lock.ts';

/** Milliseconds between two turns. */
export const TURN_EVERY_MS = 5_000;
/** The issuer's time for one certificate. */
const ISSUE_MS = 300_000;
/** The longest that a failure keeps other services, and this one after a restart, from trying. */
const SHARED_PAUSE_MS = 60_000;

export interface KeeperParts {
  domains: readonly string[];
  issuer: Issuer;
  store: Pick<CertificateStore, 'certificate' | 'saveCertificate'>;
  lock: Pick<IssueLock, 'take' | 'whileHeld' | 'release'>;
  clock: Clock;
  log: Log;
  metrics: Metrics;
  /** From 0 to 1. Spreads the retries of services. */
  random: () => number;
}

export class Keeper {
  readonly #parts: KeeperParts;
  #current: Usable | undefined;
  #news = Promise.withResolvers<void>();
  #refused: Buffer | undefined;
  #prepared = false;
  #failures = 0;
  #notBefore = 0;

  constructor(parts: KeeperParts) {
    this.#parts = parts;
  }

  /** The certificate to serve. Undefined until there is one. */
  get current(): Usable | undefined {
    return this.#current;
  }

  /** Seconds until the current certificate expires. 0 if there is none. */
  secondsLeft(): number {
    if (!this.#current) return 0;
    return Math.max(0, (this.#current.notAfter.getTime() - this.#parts.clock.wall().getTime()) / 1_000);
  }

  /** The current certificate, then every new one, until the signal aborts. */
  async *follow(signal: AbortSignal): AsyncGenerator<Usable> {
    const aborted = once(signal, 'abort');
    let seen: Usable | undefined;
    while (!signal.aborted) {
      const { promise: news } = this.#news;
      const current = this.#current;
      if (current && current !== seen) {
        seen = current;
        yield current;
      } else await Promise.race([news, aborted]);
    }
  }

  /** Compares once, and renews if that is due. */
  async turn(signal: AbortSignal): Promise<void> {
    const { clock, lock, issuer } = this.#parts;
    if (!this.#prepared) await issuer.prepare?.();
    this.#prepared = true;
    await this.#agreeWithStore();
    if (!this.#isDue() || clock.now() < this.#notBefore || !(await lock.take())) return;
    try {
      await this.#agreeWithStore();
      if (this.#isDue()) await lock.whileHeld(signal, (held) => this.#issue(held));
      await lock.release(0);
    } catch (error) {
      if (!signal.aborted) await this.#pause(error);
      else await lock.release(0);
    }
  }

  async #issue(signal: AbortSignal): Promise<void> {
    const { issuer, domains, clock, log, metrics } = this.#parts;
    const attributes = { 'spawner.issuer': issuer.name, 'spawner.domains': [...domains] };
    const issued = await inSpan('issue certificate', attributes, () =>
      within(clock, ISSUE_MS, (limit) => issuer.issue(domains, limit), signal),
    );
    const certificate = usableCertificate(issued, domains, clock.wall());
    this.#failures = 0;
    metrics.issued();
    this.#take(certificate);
    const { notAfter } = certificate;
    log.info({ domains, not_after: notAfter, renewal: renewalTime(certificate) }, 'certificate issued');
    await this.#agreeWithStore().catch((error: unknown) =>
      log.warn({ error }, 'the certificate could not be stored yet'),
    );
  }

  async #pause(error: unknown): Promise<void> {
    const { clock, lock, log, metrics, random } = this.#parts;
    this.#failures += 1;
    metrics.failed();
    const ms = retryMs(this.#failures, random);
    this.#notBefore = clock.now() + ms;
    log.error({ error, failures: this.#failures, again_in_ms: Math.round(ms) }, 'no certificate was issued');
    await lock.release(Math.min(ms, SHARED_PAUSE_MS));
  }

  /** Makes the certificate that expires later current, here and in the store. */
  async #agreeWithStore(): Promise<void> {
    const { store, issuer, domains, clock } = this.#parts;
    const stored = this.#usable(await store.certificate(issuer.name, domains));
    const ours = this.#current;
    if (stored && (!ours || stored.notAfter > ours.notAfter)) return this.#take(stored);
    const storeLacksOurs = ours && !(stored && stored.notAfter >= ours.notAfter);
    if (storeLacksOurs && ours.notAfter > clock.wall())
      await store.saveCertificate(issuer.name, domains, encodeCertificate(ours));
  }

  /** The stored certificate. Returns undefined if it cannot be served, and logs that once. */
  #usable(stored: Buffer | undefined): Usable | undefined {
    const { domains, clock, log } = this.#parts;
    try {
      const found = stored && decodeCertificate(stored, domains, clock.wall());
      this.#refused = undefined;
      return found;
    } catch (error) {
      if (!stored?.equals(this.#refused ?? Buffer.alloc(0)))
        log.warn({ error }, 'the stored certificate cannot be used');
      this.#refused = stored;
      return undefined;
    }
  }

  #take(certificate: Usable): void {
    this.#current = certificate;
    this.#news.resolve();
    this.#news = Promise.withResolvers<void>();
  }

  #isDue(): boolean {
    return isDue(this.#current, this.#parts.clock.wall());
  }
}
