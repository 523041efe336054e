/**
 * The data that all certificates services of a cluster share, in one Redis hash. Its fields:
 *
 * - `certificate <issuer> <domain>`: spawner.internal.v1.Certificate, the newest of that issuer
 * - `account key <directory>`: the ACME account's key, PKCS#8 PEM; written before the account is created
 * - `account url <directory>`: the ACME account's URL
 * - `authority <domain>`: the development authority's certificate and key, PEM, one after the other
 */
import type { Redis } from '@spawner/store';

export class CertificateStore {
  readonly #redis: Redis;
  readonly #key: string;

  constructor(redis: Redis, key: string) {
    this.#redis = redis;
    this.#key = key;
  }

  /** As it was saved. The caller has to check it. */
  certificate(issuer: string, domains: readonly string[]): Promise<Buffer | undefined> {
    return this.#get(`certificate ${issuer} ${domains[0]}`);
  }

  async saveCertificate(issuer: string, domains: readonly string[], certificate: Buffer): Promise<void> {
    await this.#set(`certificate ${issuer} ${domains[0]}`, certificate);
  }

  async accountUrl(directory: string): Promise<string | undefined> {
    return (await this.#get(`account url ${directory}`))?.toString();
  }

  async saveAccountUrl(directory: string, url: string): Promise<void> {
    await this.#set(`account url ${directory}`, url);
  }

  async forgetAccountUrl(directory: string): Promise<void> {
    await this.#redis.send(['HDEL', this.#key, `account url ${directory}`]);
  }

  /** The stored account key. Stores `proposed` if there is none. */
  accountKey(directory: string, proposed: string): Promise<string> {
    return this.#agree(`account key ${directory}`, proposed);
  }

  async authority(domain: string): Promise<string | undefined> {
    return (await this.#get(`authority ${domain}`))?.toString();
  }

  /** The shared authority. Stores `proposed` if there is none. */
  agreeOnAuthority(domain: string, proposed: string): Promise<string> {
    return this.#agree(`authority ${domain}`, proposed);
  }

  async forgetAuthority(domain: string): Promise<void> {
    await this.#redis.send(['HDEL', this.#key, `authority ${domain}`]);
  }

  async #agree(field: string, proposed: string): Promise<string> {
    await this.#redis.send(['HSETNX', this.#key, field, proposed]);
    return (await this.#get(field))?.toString() ?? proposed;
  }

  async #get(field: string): Promise<Buffer | undefined> {
    return ((await this.#redis.send(['HGET', this.#key, field])) as Buffer | null) ?? undefined;
  }

  async #set(field: string, value: string | Buffer): Promise<void> {
    await this.#redis.send(['HSET', this.#key, field, value]);
  }
}
