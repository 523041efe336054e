/**
 * Keeps a certificate that can be served. Each turn compares what is with what should be: the newest of
 * what this process and the store have is current, and is put back into a store that lost it (an issuer
 * gives only so many a week); where it is due, whoever gets the lease issues, and the others find it in
 * the store. A failure leaves the issuer alone for longer each time, across restarts and services for
 * the first minute of it.
 */
import type { Clock } from '@spawner/domain';
import { counter, gauge, inSpan, type Log } from '@spawner/service';
import { decodeCertificate, encodeCertificate, type Usable, usableCertificate } from './certificate.ts';
import type { CertificateStore } from './certificate-store.ts';
import type { IssueLock } from './issue-lock.ts';
import type { Issuer } from './issuer.ts';
import { isDue, renewalTime, retryMs } from './renewal.ts';

/** How often the store is looked at, in milliseconds. */
export const TURN_EVERY_MS = 5_000;
/** An issuer that has not given a certificate by then has failed. */
const ISSUE_MS = 300_000;
/** The longest that a failure keeps all services, and this one's successor, from trying. */
const SHARED_PAUSE_MS = 60_000;

export interface KeeperParts {
  domains: readonly string[];
  issuer: Issuer;
  store: Pick<CertificateStore, 'certificate' | 'saveCertificate'>;
  lease: Pick<IssueLock, 'take' | 'whileHeld' | 'leave'>;
  clock: Clock;
  log: Log;
}

export class Keeper {
  readonly #parts: KeeperParts;
  readonly #issued = counter('spawner.certificates.issued', 'Certificates that an issuer gave');
  readonly #failed = counter('spawner.certificates.failures', 'Attempts to get a certificate that failed');
  #current: Usable | undefined;
  #news = Promise.withResolvers<void>();
  #refused: Buffer | undefined;
  #prepared = false;
  #failures = 0;
  #notBefore = 0;

  constructor(parts: KeeperParts) {
    this.#parts = parts;
    gauge('spawner.certificates.expiry', 'Seconds until the current certificate ends; 0 without one', () =>
      this.#secondsLeft(),
    );
  }

  /** The certificate to serve. */
  get current(): Usable | undefined {
    return this.#current;
  }

  /** The current certificate, then every new one, until the signal aborts. */
  async *follow(signal: AbortSignal): AsyncGenerator<Usable> {
    const aborted = Promise.withResolvers<void>();
    const end = () => aborted.resolve();
    signal.addEventListener('abort', end);
    let seen: Usable | undefined;
    try {
      while (!signal.aborted) {
        const { promise: news } = this.#news;
        const current = this.#current;
        if (current && current !== seen) {
          seen = current;
          yield current;
        } else await Promise.race([news, aborted.promise]);
      }
    } finally {
      signal.removeEventListener('abort', end);
    }
  }

  /** Looks once, and does what is due. */
  async turn(signal: AbortSignal): Promise<void> {
    const { clock, lease, issuer } = this.#parts;
    if (!this.#prepared) await issuer.prepare();
    this.#prepared = true;
    await this.#agreeWithStore();
    if (!this.#isDue() || clock.now() < this.#notBefore || !(await lease.take())) return;
    try {
      await this.#agreeWithStore();
      if (this.#isDue()) await lease.whileHeld(signal, (held) => this.#issue(held));
      await lease.leave(0);
    } catch (error) {
      if (!signal.aborted) await this.#pause(error);
      else await lease.leave(0);
    }
  }

  async #issue(signal: AbortSignal): Promise<void> {
    const { issuer, domains, clock, log } = this.#parts;
    const limit = AbortSignal.any([signal, AbortSignal.timeout(ISSUE_MS)]);
    const attributes = { 'spawner.issuer': issuer.name, 'spawner.domains': [...domains] };
    const issued = await inSpan('issue certificate', attributes, () => issuer.issue(domains, limit));
    const certificate = usableCertificate(issued, domains, clock.wall());
    this.#failures = 0;
    this.#issued();
    this.#take(certificate);
    const { notAfter } = certificate;
    log.info({ domains, not_after: notAfter, renewal: renewalTime(certificate) }, 'certificate issued');
    await this.#agreeWithStore().catch((error: unknown) => log.warn({ error }, 'it is to be stored later'));
  }

  async #pause(error: unknown): Promise<void> {
    const { clock, lease, log } = this.#parts;
    this.#failures += 1;
    this.#failed();
    const ms = retryMs(this.#failures, Math.random);
    this.#notBefore = clock.now() + ms;
    log.error({ error, failures: this.#failures, again_in_ms: Math.round(ms) }, 'no certificate was issued');
    await lease.leave(Math.min(ms, SHARED_PAUSE_MS));
  }

  /** Of what we have and what the store has, the one that ends later is current, here and there. */
  async #agreeWithStore(): Promise<void> {
    const { store, issuer, domains, clock } = this.#parts;
    const stored = this.#usable(await store.certificate(issuer.name, domains));
    const ours = this.#current;
    if (stored && (!ours || stored.notAfter > ours.notAfter)) return this.#take(stored);
    const storeLacksOurs = ours && !(stored && stored.notAfter >= ours.notAfter);
    if (storeLacksOurs && ours.notAfter > clock.wall())
      await store.saveCertificate(issuer.name, domains, encodeCertificate(ours));
  }

  /** What the store has, if it can be served; where it cannot, that is said once. */
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

  #secondsLeft(): number {
    if (!this.#current) return 0;
    return Math.max(0, (this.#current.notAfter.getTime() - this.#parts.clock.wall().getTime()) / 1_000);
  }
}
