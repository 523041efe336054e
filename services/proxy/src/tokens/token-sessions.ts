import type { Clock } from '@spawner/domain';
import { type RouteTable, type TableRow, tokenRow } from '@spawner/store';
import type { Holds } from '../routing/hold-queue.ts';
import { TIMEOUTS } from '../timeouts.ts';
import { type Admission, type AdmissionRequest, admit, isGood, type Visitor } from './token-check.ts';

export interface VisitorsParts {
  routes: Pick<RouteTable, 'token' | 'confirm'>;
  holds: Pick<Holds, 'wait'>;
  clock: Clock;
}

/** What a request's tokens are worth; `unsure` if the store cannot tell. */
export type TokenVerdict = Admission | { kind: 'unsure' };

/**
 * Who is let in with connection tokens, and what they have open: a revoked token's connections are cut as soon as the route
 * table tells of it. Look-ups are in memory; only a token that nobody has told of is asked for.
 */
export class Visitors {
  readonly #parts: VisitorsParts;
  readonly #open = new Map<string, Set<() => void>>();

  constructor(parts: VisitorsParts) {
    this.#parts = parts;
  }

  /** Never rejects. `unsure`: nobody can tell whether there is such a token. */
  async admit(request: AdmissionRequest, signal: AbortSignal): Promise<TokenVerdict> {
    const { routes, holds } = this.#parts;
    const first = this.#decide(request);
    if (first.kind !== 'refused') return first;
    for (const id of first.unknown) {
      const confirmation = await routes.confirm(tokenRow(id));
      if (confirmation === 'unsure') return { kind: 'unsure' };
      if (confirmation === 'known' && !routes.token(id))
        await holds.wait(tokenRow(id), TIMEOUTS.tokenNews, signal);
      if (confirmation === 'known' && !routes.token(id)) return { kind: 'unsure' };
    }
    return this.#decide(request);
  }

  isGood(backendId: string, { tokenId }: Visitor): boolean {
    return isGood(this.#parts.routes.token(tokenId), backendId, this.#now());
  }

  /** `cut` is called when the visitor's token is revoked, unless what is returned is called before. */
  keep({ tokenId }: Visitor, cut: () => void): () => void {
    const open = this.#open.get(tokenId) ?? new Set();
    this.#open.set(tokenId, open.add(cut));
    return () => {
      open.delete(cut);
      if (open.size === 0 && this.#open.get(tokenId) === open) this.#open.delete(tokenId);
    };
  }

  /** A row of the route table changed; one of a token that went has expired, and what is open with it may go on. */
  rowChanged(row: TableRow | undefined): void {
    if (row?.kind !== 'revoked-token') return;
    for (const cut of [...(this.#open.get(row.tokenId) ?? [])]) cut();
  }

  #decide(request: AdmissionRequest): Admission {
    return admit(request, (id) => this.#parts.routes.token(id), this.#now());
  }

  #now(): number {
    return this.#parts.clock.wall().getTime();
  }
}
