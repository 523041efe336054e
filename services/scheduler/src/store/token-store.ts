import { AppError, type BackendId, DEADLINES, formatDuration, TOKENS_PER_BACKEND } from '@spawner/domain';
import { decodeRow, encodeRow, SCRIPTS, tokenRow } from '@spawner/store';
import type { Parts } from '../parts.ts';

export interface TokenGrant {
  backendId: BackendId;
  tokenId: string;
  user: string;
  /** A JSON object in ASCII, or empty. */
  claims: string;
  ttlMs: number;
}

type TokenStoreParts = Pick<Parts, 'redis' | 'keys' | 'epoch' | 'store' | 'clock'>;

/**
 * Connection tokens in Redis, by their ids alone. They are rows of the route table, so that every proxy follows them in the
 * order in which they and the routes changed. Proxies see from the time in the row that a token has expired; the expiry on
 * the cluster clock only deletes the row.
 */
export class TokenStore {
  readonly #parts: TokenStoreParts;

  constructor(parts: TokenStoreParts) {
    this.#parts = parts;
  }

  /**
   * Admits the holder of a token until the time that is returned. The same id again is the same token. Throws `not_found`
   * for an unknown backend, `failed_precondition` for one that is ending or public, and `exhausted` for one that has
   * `most` tokens.
   */
  async create(grant: TokenGrant, most = TOKENS_PER_BACKEND): Promise<Date> {
    const { backendId, tokenId, user, claims, ttlMs } = grant;
    const expireMs = this.#parts.clock.wall().getTime() + ttlMs;
    const holder = { backendId, user, claims, expireMs };
    const row = encodeRow({ kind: 'tokenGrant', tokenId, ...holder, epoch: 0 });
    const args = { backend: backendId, token: tokenId, user, row, ttlMs, most };
    const outcome = await this.#parts.epoch.run(SCRIPTS.grantToken, args);
    if (outcome === 'unknown') throw await this.#parts.store.absence(backendId);
    if (outcome === 'ended') throw new AppError('failed_precondition', 'the backend is ending');
    if (outcome === 'public')
      throw new AppError('failed_precondition', 'the backend is public: its spec does not ask for tokens');
    if (outcome === 'full')
      throw new AppError(
        'exhausted',
        `the backend has ${most} tokens; one that expires makes room, one that is revoked after ${formatDuration(DEADLINES.revoked)}`,
      );
    return new Date(expireMs);
  }

  /**
   * Revokes one token, all tokens of the backend, or those of one user. Returns how many were good until now. Throws
   * `not_found` for an unknown backend.
   */
  async revoke(
    backendId: BackendId,
    { tokenId = '', user }: { tokenId?: string; user?: string },
  ): Promise<number> {
    const row = encodeRow({ kind: 'revokedToken', tokenId, epoch: 0 });
    const count = await this.#parts.epoch.run(SCRIPTS.revokeTokens, {
      backend: backendId,
      token: tokenId,
      byUser: user !== undefined,
      user: user ?? '',
      row,
      keptMs: DEADLINES.revoked,
    });
    if (count < 0) throw await this.#parts.store.absence(backendId);
    return count;
  }

  /** The backend that a token is for; undefined if the token is unknown or revoked. */
  async backendOf(tokenId: string): Promise<string | undefined> {
    const id = tokenRow(tokenId);
    const bytes = await this.#parts.redis.send(['HGET', this.#parts.keys.routes, id]);
    const row = Buffer.isBuffer(bytes) ? decodeRow(id, bytes) : undefined;
    return row?.kind === 'tokenGrant' ? row.backendId : undefined;
  }

  /** Deletes a token that has expired on the cluster clock. */
  async expire(tokenId: string, backendId: string): Promise<void> {
    await this.#parts.epoch.run(SCRIPTS.expireToken, { token: tokenId, backend: backendId });
  }
}
