import type { Clock } from '@spawner/domain';
import { type RouteTable, type TableRow, tokenRow } from '@spawner/store';
import type { HoldQueue } from '../routing/hold-queue.ts';
import { TIMEOUTS } from '../timeouts.ts';
import { checkTokens, isValid, type TokenBearer, type TokenCheck, type TokenHolder } from './token-check.ts';

export interface TokenSessionParts {
  routes: Pick<RouteTable, 'token' | 'confirm'>;
  holds: Pick<HoldQueue, 'wait' | 'release'>;
  clock: Clock;
}

/** The result for a request; `unsure` if the store cannot tell whether a token exists. */
export type TokenVerdict = TokenCheck | { kind: 'unsure' };

/**
 * Connection tokens of requests, and the connections that are open with them: those of a revoked token are cut as soon as the
 * route table has the revocation. Look-ups are in memory; the store is asked only for tokens without a row here.
 */
export class TokenSessions {
  readonly #parts: TokenSessionParts;
  readonly #open = new Map<string, Set<() => void>>();

  constructor(parts: TokenSessionParts) {
    this.#parts = parts;
  }

  /**
   * Checks the tokens of a request; never rejects. If the store has a token whose row is not here yet, the request waits for the
   * row: `rowChanged` releases it, or `TIMEOUTS.tokenNews` ends the wait.
   */
  async check(request: TokenBearer, signal: AbortSignal): Promise<TokenVerdict> {
    const { routes, holds } = this.#parts;
    const first = this.#check(request);
    if (first.kind !== 'refused') return first;
    for (const id of first.unknown) {
      const confirmation = await routes.confirm(tokenRow(id));
      if (confirmation === 'unsure') return { kind: 'unsure' };
      if (confirmation !== 'known') continue;
      if (!routes.token(id)) await holds.wait(tokenRow(id), TIMEOUTS.tokenNews, signal);
      if (!routes.token(id)) return { kind: 'unsure' };
    }
    return this.#check(request);
  }

  isValid(backendId: string, { tokenId }: TokenHolder): boolean {
    return isValid(this.#parts.routes.token(tokenId), backendId, this.#parts.clock.wall().getTime());
  }

  /** Calls `cut` when the holder's token is revoked. Returns a function that ends this. */
  keep({ tokenId }: TokenHolder, cut: () => void): () => void {
    const open = this.#open.get(tokenId) ?? new Set();
    this.#open.set(tokenId, open.add(cut));
    return () => {
      open.delete(cut);
      if (open.size === 0 && this.#open.get(tokenId) === open) this.#open.delete(tokenId);
    };
  }

  /**
   * A row of the route table changed. Releases the requests that wait for this row of a token, and cuts the connections of a
   * revoked one. A row that is deleted belongs to an expired token, whose connections stay.
   */
  rowChanged(row: TableRow | undefined): void {
    if (row?.kind !== 'tokenGrant' && row?.kind !== 'revokedToken') return;
    this.#parts.holds.release(tokenRow(row.tokenId));
    if (row.kind === 'revokedToken') for (const cut of [...(this.#open.get(row.tokenId) ?? [])]) cut();
  }

  #check(request: TokenBearer): TokenCheck {
    const { routes, clock } = this.#parts;
    return checkTokens(request, (id) => routes.token(id), clock.wall().getTime());
  }
}
