import { createHmac, timingSafeEqual } from 'node:crypto';
import type { InventoryEntry } from '@spawner/proto/internal/backend_status';
import type { BackendKey } from '@spawner/proto/v1/backend';
import type { Log } from '@spawner/service';
import { keyHash } from '@spawner/store';

/**
 * The signed facts of a placement. A drone that comes back with it after the
 * store lost its record proves with it that this cluster placed that backend there, with that key and fence.
 */
export interface Claimed {
  readonly id: string;
  readonly drone: string;
  /** With a key also its fence. */
  readonly placement: number;
  readonly key: BackendKey | undefined;
  /** SHA-256 of the spec. */
  readonly digest: Uint8Array;
}

/**
 * The cluster's secrets at work. The first one signs and each of them is good for a check, so that a new one
 * can be put in front while backends of the old one live. Without any nothing is signed and everything believed.
 */
export class Claims {
  readonly #cluster: string;
  readonly #secrets: readonly string[];

  constructor(cluster: string, secrets: readonly string[]) {
    this.#cluster = cluster;
    this.#secrets = secrets;
  }

  /** To be called once, at the start: warns where drones are simply believed. */
  announce(log: Pick<Log, 'warn'>): void {
    if (this.#secrets.length > 0) return;
    log.warn(
      'SPAWNER_CLUSTER_SECRET is not set: a drone is believed whatever backends and keys it says it has',
    );
  }

  /** HMAC-SHA-256 of what is claimed, under the first secret; nothing where there is none. */
  sign(claimed: Claimed): Buffer | undefined {
    const [secret] = this.#secrets;
    return secret === undefined ? undefined : this.#mac(secret, claimed);
  }

  /** Whether a record may be written from this line of a drone's inventory. Claims are compared in constant time. */
  accepts(drone: string, { status, spec, placement, key, claim }: InventoryEntry): boolean {
    if (this.#secrets.length === 0) return true;
    if (!status || !spec || !claim) return false;
    const claimed = { id: status.id, drone, placement, key, digest: spec.digest };
    return this.#secrets.some((secret) => sameBytes(this.#mac(secret, claimed), claim));
  }

  #mac(secret: string, { id, drone, placement, key, digest }: Claimed): Buffer {
    const keyParts = key ? [keyHash(key), key.tag] : ['', ''];
    const parts = ['spawner claim 1', this.#cluster, id, drone, String(placement), ...keyParts];
    const mac = createHmac('sha256', secret);
    // Each behind its length: no two claims have the same bytes.
    for (const part of [...parts.map((text) => Buffer.from(text, 'utf8')), digest]) {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(part.length);
      mac.update(length).update(part);
    }
    return mac.digest();
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** A cluster's secrets in one text, between commas or ends of lines; the first one signs. */
export function secretsIn(text: string): string[] {
  return text
    .split(/[,\n]/)
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
