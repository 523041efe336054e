/**
 * Certificates from an ACME server by DNS-01 (RFC 8555). Only this file knows acme-client. The apex and the wildcard are
 * proved by two values at one name, so all values are published before the server is asked to look. The account's key is
 * stored before the account is created and used for every order, because an external account binding is valid for one
 * account. After a refused order the next attempt asks for the account again; the server returns the same one if it has it.
 */
import { Agent } from 'node:https';
import { rootCertificates } from 'node:tls';
import type { Log } from '@spawner/service';
import acme from 'acme-client';
import type { Issued, Issuer } from '../issuer.ts';
import type { CertificateStore } from '../store/certificate-store.ts';
import type { DnsChallenges } from './dns-challenges.ts';

/** One request to the ACME server. */
const REQUEST_MS = 30_000;

export interface AcmeParts {
  readonly store: CertificateStore;
  readonly challenges: DnsChallenges;
  readonly log: Log;
  /** URL of the server's directory. */
  directory: string;
  /** Address that the server may write to. Empty for none. */
  email: string;
  /** External account binding (RFC 8555 §7.3.4): the key's id and the key, base64url. */
  binding?: { kid: string; hmacKey: string };
  /** One more root certificate to trust for the directory's HTTPS, PEM. */
  rootPem?: string;
}

export class AcmeIssuer implements Issuer {
  readonly name: string;
  readonly #parts: AcmeParts;

  constructor(parts: AcmeParts) {
    this.name = `acme ${parts.directory}`;
    this.#parts = parts;
    acme.axios.defaults.timeout = REQUEST_MS;
    if (parts.rootPem !== undefined)
      acme.axios.defaults.httpsAgent = new Agent({ ca: [...rootCertificates, parts.rootPem] });
  }

  async issue(domains: readonly string[], signal: AbortSignal): Promise<Issued> {
    const step = <T>(work: Promise<T>) => untilAborted(work, signal);
    const client = await step(this.#client());
    const identifiers = domains.map((value) => ({ type: 'dns', value }));
    const order = await step(client.createOrder({ identifiers })).catch((error) =>
      this.#refused(error, signal),
    );
    await this.#prove(client, await step(client.getAuthorizations(order)), signal);

    const key = await acme.crypto.createPrivateEcdsaKey('P-256');
    const [, csr] = await acme.crypto.createCsr({ altNames: [...domains] }, key);
    const ready = await step(client.waitForValidStatus(order).then((known) => ({ ...order, ...known })));
    const chainPem = await step(client.finalizeOrder(ready, csr).then((done) => client.getCertificate(done)));
    return { chainPem, keyPem: key.toString() };
  }

  /** A client with the stored account, or with one that it asks the server for. */
  async #client(): Promise<acme.Client> {
    const { store, log, directory, email, binding } = this.#parts;
    const proposed = await acme.crypto.createPrivateEcdsaKey('P-256');
    const accountKey = await store.accountKey(directory, proposed.toString());
    const accountUrl = await store.accountUrl(directory);
    const client = new acme.Client({
      directoryUrl: directory,
      accountKey,
      accountUrl,
      externalAccountBinding: binding,
      backoffAttempts: 30,
      backoffMin: 250,
      backoffMax: 5_000,
    });
    if (accountUrl !== undefined) return client;
    await client.createAccount({
      termsOfServiceAgreed: true,
      contact: email === '' ? [] : [`mailto:${email}`],
    });
    await store.saveAccountUrl(directory, client.getAccountUrl());
    log.info({ account: client.getAccountUrl() }, 'registered the ACME account');
    return client;
  }

  async #refused(error: unknown, signal: AbortSignal): Promise<never> {
    if (!signal.aborted) await this.#parts.store.forgetAccountUrl(this.#parts.directory);
    throw new Error('the ACME server accepted no order', { cause: error });
  }

  /** Completes one DNS-01 challenge of every authorization that is still pending. */
  async #prove(
    client: acme.Client,
    authorizations: readonly acme.Authorization[],
    signal: AbortSignal,
  ): Promise<void> {
    const step = <T>(work: Promise<T>) => untilAborted(work, signal);
    const open = authorizations.filter(({ status }) => status === 'pending');
    const asked = open.map(dnsChallengeOf);
    const challenges = await Promise.all(
      asked.map(async ({ challenge, name }) => ({
        name,
        value: await client.getChallengeKeyAuthorization(challenge),
      })),
    );
    try {
      await this.#parts.challenges.publish(challenges, signal);
      for (const { challenge } of asked) await step(client.completeChallenge(challenge));
      await step(Promise.all(asked.map(({ challenge }) => client.waitForValidStatus(challenge))));
    } finally {
      await this.#parts.challenges.remove(challenges);
    }
  }
}

function dnsChallengeOf(authorization: acme.Authorization) {
  const domain = authorization.identifier.value;
  const challenge = authorization.challenges.find(({ type }) => type === 'dns-01');
  if (!challenge) throw new Error(`the ACME server offers no DNS challenge for ${domain}`);
  return { challenge, name: `_acme-challenge.${domain}` };
}

/** acme-client takes no signal. Abandoned work ends by its own limits, and its outcome is ignored. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort);
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
