import {
  CreateConnectionTokenRequest,
  RevokeConnectionTokensRequest,
} from '@spawner/proto/v1/backend_service';
import { type TokensParts, tokenMethods } from '../../../services/gateway/src/tokens.ts';
import type { Credential } from '../parts/edge-request.ts';
import type { Random } from '../world/random.ts';
import type { World } from '../world/world.ts';

/** Takes note of the tokens that clients get and revoke. */
export interface TokenWatch {
  /** This backend is spawned so that it asks for tokens. */
  guarded(id: string): void;
  granted(token: string, id: string, expireMs: number, losses: number): void;
  revokes(tokens: readonly string[]): (isDone: boolean) => void;
  readonly tokens: { readonly losses: number };
}

/** Short lives end within a world, on the clocks of all machines. */
const LIVES_MS = [20_000, 60_000, 3_600_000] as const;
const USERS = ['ann', 'ben'] as const;
const URLS = { urlScheme: 'https', urlPort: 443, clusterDomain: 'simulated' } as const;
/** Made by no gateway. */
const STRANGER = 'A'.repeat(43);
/** Calls of the gateway end at their own deadlines. */
const CALLER = { signal: new AbortController().signal };

interface Made {
  readonly id: string;
  readonly user: string;
  readonly token: string;
}

/** The connection tokens that app servers make for their users and revoke, by way of a gateway's own methods. */
export class Tokens {
  readonly #call: (work: () => Promise<void>) => Promise<void>;
  readonly #watch: TokenWatch;
  readonly #gateway: ReturnType<typeof tokenMethods>;
  readonly #random: Random;
  /** The tokens that clients have, the latest last. Revoked ones are still tried. */
  readonly #made: Made[] = [];
  readonly #guarded = new Set<string>();

  /** `call` makes a call of a client, and takes its failure. */
  constructor(
    world: World,
    watch: TokenWatch,
    scheduler: TokensParts['scheduler'],
    call: (work: () => Promise<void>) => Promise<void>,
  ) {
    this.#call = call;
    this.#watch = watch;
    this.#random = world.stream('tokens');
    const random = this.#random;
    const randomBytes = (count: number) => Uint8Array.from({ length: count }, () => random.below(256));
    this.#gateway = tokenMethods({ scheduler, randomBytes, urls: URLS });
  }

  /** Whether the next backend is to ask for tokens. */
  isWanted(): boolean {
    return this.#random.chance(0.25);
  }

  /** A backend that asks for tokens will have this id. */
  guarded(id: string): void {
    this.#guarded.add(id);
    this.#watch.guarded(id);
  }

  /** The app server that has spawned a backend makes tokens for the backend's users, if it asks for them. */
  async spawned(id: string): Promise<void> {
    if (!this.#guarded.has(id)) return;
    for (let count = 1 + this.#random.below(3); count > 0; count--) await this.#make(id);
  }

  /** Revokes one token of a backend, those of one user, or all. */
  async revoke(): Promise<void> {
    const one = this.#made.at(-1 - this.#random.below(Math.min(this.#made.length, 6)));
    if (!one) return;
    const { id, user, token } = one;
    const which = this.#random.pick(['token', 'user', 'all'] as const);
    const chosen = this.#made.filter(
      (each) =>
        each.id === id && (which === 'all' || (which === 'user' ? each.user === user : each.token === token)),
    );
    const ends = this.#watch.revokes(chosen.map((each) => each.token));
    const selection = which === 'token' ? { token } : which === 'user' ? { user } : {};
    const request = RevokeConnectionTokensRequest.fromPartial({ id, ...selection });
    await this.#call(async () => {
      await this.#gateway.revokeConnectionTokens(request, CALLER);
      ends(true);
    });
  }

  /** The credential of a user who comes to this backend; undefined for none. */
  credentialFor(id: string, navigation: boolean): Credential | undefined {
    if (!this.#guarded.has(id) || this.#random.chance(0.1)) return undefined;
    const own = this.#made.filter((each) => each.id === id);
    const any = this.#random.chance(0.1) ? this.#made : own;
    const by = this.#random.pick(
      navigation ? (['query', 'cookie'] as const) : (['query', 'bearer', 'cookie'] as const),
    );
    if (any.length === 0) return { token: STRANGER, by };
    return { token: this.#random.pick(any).token, by };
  }

  async #make(id: string): Promise<void> {
    const user = this.#random.pick(USERS);
    const { losses } = this.#watch.tokens;
    const request = CreateConnectionTokenRequest.fromPartial({
      id,
      user,
      ttlMs: this.#random.pick(LIVES_MS),
    });
    await this.#call(async () => {
      const { token, expireTime } = await this.#gateway.createConnectionToken(request, CALLER);
      this.#made.push({ id, user, token });
      this.#watch.granted(token, id, expireTime?.getTime() ?? 0, losses);
    });
  }
}
