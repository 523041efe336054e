import { connectionTokenId } from '@spawner/domain';
import { decodeRow, tokenRow } from '@spawner/store';
import { BOUNDS } from '../healing/bounds.ts';
import type { EdgeOutcome } from '../parts/edge-request.ts';
import type { SimulatedProxy } from '../parts/proxy.ts';
import { KEYS } from '../parts/scheduler.ts';
import type { World } from '../world/world.ts';
import type { Asked, Availability } from './availability.ts';
import type { ReadStore } from './read-store.ts';

/** Whether a token must let its request in, must not, or may. Requests for public backends need none. */
export type Admission = 'admit' | 'refuse' | 'either';

/** `unsure`: the proxy does not have the token, and the store cannot tell. */
const REFUSALS: ReadonlySet<EdgeOutcome['kind']> = new Set(['token required', 'unsure', 'left']);

interface Grant {
  readonly tokenId: string;
  readonly backendId: string;
  /** In wall-clock time. */
  readonly expireMs: number;
  /** How often the store had been lost when the token was made. */
  readonly losses: number;
  /** A call to revoke it has begun; the store may know that or not. */
  isInDoubt: boolean;
  revoked: { readonly at: number; readonly healed: boolean } | undefined;
}

/**
 * Invariant `tokens`. A token lets requests in while the store has it and it has not expired on the proxy's clock. A revoked one
 * lets none in and keeps nothing open, at a proxy that has its revocation. In a healed world every proxy has it within its
 * bound. A store that lost its data may have lost tokens, and may have revived revoked ones.
 */
export class TokenAccess {
  readonly #world: World;
  readonly #read: ReadStore;
  readonly #proxies: readonly SimulatedProxy[];
  readonly #availability: Availability;
  readonly #guarded = new Set<string>();
  readonly #grants = new Map<string, Grant>();
  #losses = 0;

  constructor(world: World, read: ReadStore, proxies: readonly SimulatedProxy[], availability: Availability) {
    this.#world = world;
    this.#read = read;
    this.#proxies = proxies;
    this.#availability = availability;
  }

  storeLost(): void {
    this.#losses++;
  }

  /** How often the store has been lost. */
  get losses(): number {
    return this.#losses;
  }

  /** A client spawns this backend so that it asks for tokens. */
  guarded(id: string): void {
    this.#guarded.add(id);
  }

  /** A client got this token. `losses` is how often the store had been lost when it asked. */
  granted(token: string, backendId: string, expireMs: number, losses: number): void {
    const tokenId = connectionTokenId(token);
    this.#grants.set(token, { tokenId, backendId, expireMs, losses, isInDoubt: false, revoked: undefined });
    this.#world.count('tokens-made');
  }

  /** A client revokes these tokens. The result is called when the call ends, with whether it succeeded. */
  revokes(tokens: readonly string[]): (isDone: boolean) => void {
    const losses = this.#losses;
    const grants = tokens.flatMap((token) => this.#grants.get(token) ?? []);
    for (const grant of grants) grant.isInDoubt = true;
    return (isDone) => {
      if (!isDone || losses !== this.#losses) return;
      for (const grant of grants) {
        if (grant.revoked || grant.losses !== losses || this.#isForgotten(grant)) continue;
        grant.revoked = { at: this.#world.now, healed: this.#availability.judges };
        this.#world.count('tokens-revoked');
        this.#world.after(BOUNDS.revoked, () => this.#cut(grant));
      }
    };
  }

  admission(proxy: SimulatedProxy, id: string, token: string | undefined): Admission {
    if (!this.#guarded.has(id)) return 'admit';
    const grant = token === undefined ? undefined : this.#grants.get(token);
    if (!grant || grant.backendId !== id || this.#hasExpired(grant, proxy)) return 'refuse';
    if (this.#isKnownAsRevoked(grant, proxy)) return 'refuse';
    if (grant.isInDoubt || grant.losses !== this.#losses) return 'either';
    return this.#isInStore(grant, proxy) ? 'admit' : 'either';
  }

  /** Returns whether no token kept the request out, so that the rest of its answer can be judged. */
  answered(proxy: SimulatedProxy, id: string, { kind }: EdgeOutcome, asked: Asked): boolean {
    const now = this.admission(proxy, id, asked.token);
    if (this.#guarded.has(id)) this.#count(kind);
    const isIn = kind === 'forward' || kind === 'handed over';
    if (isIn && now === 'refuse')
      this.#world.violate('tokens', `${proxy.name} let a request in to ${id} without a good token`);
    const isGood = asked.admission === 'admit' && now === 'admit';
    if (isGood && kind === 'token required')
      this.#world.violate('tokens', `${proxy.name} refused a request for ${id} with a good token`);
    if (asked.ready && asked.admission === 'refuse' && !isIn && !REFUSALS.has(kind))
      this.#world.violate(
        'tokens',
        `${proxy.name} answered '${kind}' for ${id} to a request without a good token`,
      );
    return isGood;
  }

  #count(kind: EdgeOutcome['kind']): void {
    if (kind === 'forward') this.#world.count('token-admissions');
    if (kind === 'token required') this.#world.count('token-refusals');
    if (kind === 'handed over') this.#world.count('token-handovers');
  }

  /** The bound of a revocation is over. */
  #cut(grant: Grant): void {
    const open = this.#proxies.find(
      (proxy) => proxy.exchanges.isOpenBy(grant.tokenId) && this.#isKnownAsRevoked(grant, proxy),
    );
    if (open)
      this.#world.violate(
        'tokens',
        `${open.name} keeps open what a revoked token opened to ${grant.backendId}`,
      );
  }

  /** Whether the proxy has the revocation, or must have it. */
  #isKnownAsRevoked({ tokenId, losses, revoked }: Grant, { routes }: SimulatedProxy): boolean {
    if (routes?.token(tokenId)?.kind === 'revokedToken') return true;
    if (!revoked?.healed || losses !== this.#losses) return false;
    return this.#world.now - revoked.at >= BOUNDS.revoked;
  }

  /** The store deletes a token that has expired. It can no longer be revoked, and what it opened stays open. */
  #isForgotten({ tokenId }: Grant): boolean {
    return this.#read(['HGET', KEYS.routes, tokenRow(tokenId)]) === null;
  }

  #hasExpired({ expireMs }: Pick<Grant, 'expireMs'>, { process }: SimulatedProxy): boolean {
    return process !== undefined && process.clock.wall().getTime() >= expireMs;
  }

  /** A request that came twice wrote its first expiry, and may have been answered with its second. */
  #isInStore({ tokenId }: Grant, proxy: SimulatedProxy): boolean {
    const id = tokenRow(tokenId);
    const bytes = this.#read(['HGET', KEYS.routes, id]) as string | null;
    const row = bytes === null ? undefined : decodeRow(id, Buffer.from(bytes, 'latin1'));
    return row?.kind === 'tokenGrant' && !this.#hasExpired(row, proxy);
  }
}
