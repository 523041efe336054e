import { AppError, type BackendId, type Clock, DEADLINES, TOKENS_PER_BACKEND } from '@spawner/domain';
import {
  decodeRow,
  encodeRow,
  type Keys,
  type Redis,
  SCRIPTS,
  type StoreEpoch,
  tokenRow,
} from '@spawner/store';
import { span } from '../explain/format-duration.ts';
import { absence } from './absence.ts';

export interface TokenGrant {
  backendId: BackendId;
  tokenId: string;
  user: string;
  /** A JSON object in ASCII, or empty. */
  claims: string;
  ttlMs: number;
}

/**
 * Connection tokens in Redis, by their ids alone: rows of the route table, so that every proxy follows them in the order
 * in which they and the routes changed. Each write is one script. Their end on the cluster clock only takes the row
 * away; that they are over is seen by the proxies, from the instant in the row.
 */
export class ConnectionTokens {
  readonly #redis: Redis;
  readonly #keys: Keys;
  readonly #epoch: StoreEpoch;
  readonly #clock: Clock;

  constructor(redis: Redis, keys: Keys, epoch: StoreEpoch, clock: Clock) {
    this.#redis = redis;
    this.#keys = keys;
    this.#epoch = epoch;
    this.#clock = clock;
  }

  /**
   * Lets the token's bearer in, until the instant that is returned; the same id again is the same token. Throws `not_found`
   * for an unknown backend, `failed_precondition` for one that is ending or public, and `exhausted` for one that has
   * `most` tokens.
   */
  async create(grant: TokenGrant, most = TOKENS_PER_BACKEND): Promise<Date> {
    const { backendId, tokenId, user, claims, ttlMs } = grant;
    const expireMs = this.#clock.wall().getTime() + ttlMs;
    const holder = { backendId, user, claims, expireMs };
    const row = encodeRow({ kind: 'token-grant', tokenId, ...holder, epoch: 0 });
    const args = { backend: backendId, token: tokenId, user, row, ttlMs, most };
    const outcome = await this.#epoch.run(SCRIPTS.grantToken, args);
    if (outcome === 'unknown') throw await this.#absence(backendId);
    if (outcome === 'ended') throw new AppError('failed_precondition', 'the backend is ending');
    if (outcome === 'public')
      throw new AppError('failed_precondition', 'the backend is public: its spec does not ask for tokens');
    if (outcome === 'full')
      throw new AppError(
        'exhausted',
        `the backend has ${most} tokens; one that expires makes room, one that is revoked after ${span(DEADLINES.revoked)}`,
      );
    return new Date(expireMs);
  }

  /** Takes back one token, or all of the backend's, or those of one user; how many were good until now. Throws `not_found`. */
  async revoke(
    backendId: BackendId,
    { tokenId = '', user }: { tokenId?: string; user?: string },
  ): Promise<number> {
    const row = encodeRow({ kind: 'revoked-token', tokenId, epoch: 0 });
    const count = await this.#epoch.run(SCRIPTS.revokeTokens, {
      backend: backendId,
      token: tokenId,
      byUser: user !== undefined,
      user: user ?? '',
      row,
      keptMs: DEADLINES.revoked,
    });
    if (count < 0) throw await this.#absence(backendId);
    return count;
  }

  /** The backend that a token is for; undefined if the token is unknown or revoked. */
  async backendOf(tokenId: string): Promise<string | undefined> {
    const id = tokenRow(tokenId);
    const bytes = await this.#redis.send(['HGET', this.#keys.routes, id]);
    const row = Buffer.isBuffer(bytes) ? decodeRow(id, bytes) : undefined;
    return row?.kind === 'token-grant' ? row.backendId : undefined;
  }

  #absence(id: string): Promise<AppError> {
    return absence({ redis: this.#redis, keys: this.#keys, epoch: this.#epoch }, `no backend ${id}`, id);
  }

  /** Its time is over on the cluster clock. */
  async expire(tokenId: string, backendId: string): Promise<void> {
    await this.#epoch.run(SCRIPTS.expireToken, { token: tokenId, backend: backendId });
  }
}
