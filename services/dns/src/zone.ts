/** The present zone: the operator's settings, and the replicas of routes, proxies and challenges. */
import type { Membership } from '@spawner/cluster';
import type { Clock } from '@spawner/domain';
import type { Node } from '@spawner/proto/internal/node';
import type { Route, RouteTable } from '@spawner/store';
import type { Challenges } from './challenges.ts';
import { NamedProxies } from './named-proxies.ts';
import { INNER_DOT } from './protocol/query-reader.ts';

export interface ZoneSettings {
  /** The cluster's domain, in lower case. */
  domain: string;
  /** The first is the SOA's primary. */
  nameservers: readonly string[];
  /** Addresses of the name servers whose names are below the domain. */
  publicAddresses: readonly string[];
  /** The SOA's mailbox as a name. */
  admin: string;
  /** Issuers that may issue certificates (RFC 8659). Empty for no CAA record. */
  caa: readonly string[];
  /** TTL of the addresses of backends. */
  ttlSeconds: number;
}

/** Everything that an answer depends on. */
export type ZoneView = Pick<Zone, 'settings' | 'complete' | 'serial' | 'proxies' | 'route'> & {
  readonly challenges: Pick<Challenges, 'at' | 'existsBelow'>;
};

/** The replicas that a zone is read from. */
interface ZoneSources {
  readonly routes: RouteTable;
  readonly members: Membership;
  readonly challenges: Challenges;
}

export class Zone {
  readonly settings: ZoneSettings;
  readonly challenges: Challenges;
  readonly #sources: ZoneSources;
  readonly #clock: Clock;
  readonly #listening: { close(): void }[];
  readonly #proxies = new NamedProxies();
  #serial: number;

  constructor(settings: ZoneSettings, sources: ZoneSources, clock: Clock) {
    this.settings = settings;
    this.challenges = sources.challenges;
    this.#sources = sources;
    this.#clock = clock;
    this.#serial = unixSeconds(clock);
    const changed = () => this.#changed();
    this.#listening = [sources.routes.onChange(changed), sources.challenges.onChange(changed)];
  }

  /** Whether routes and proxies have been known at least once. */
  get complete(): boolean {
    return this.#sources.routes.loaded && Number.isFinite(this.#sources.members.renewalAge);
  }

  /** Unix time of the last change. It never decreases. No server copies the zone, so it is only a hint for people. */
  get serial(): number {
    this.look();
    return this.#serial;
  }

  get proxies(): readonly Node[] {
    this.look();
    return this.#proxies.all;
  }

  route(id: string): Route | undefined {
    return this.#sources.routes.get(id);
  }

  /** Reads the list of proxies. Call it every few seconds, even without queries, so that no lapse is missed. */
  look(): void {
    if (this.#proxies.take(this.#sources.members.proxies, this.#clock.now())) this.#changed();
  }

  close(): void {
    for (const listening of this.#listening) listening.close();
  }

  #changed(): void {
    this.#serial = Math.max(this.#serial, unixSeconds(this.#clock));
  }
}

/** A mail address as a name. Its local part is one label, including dots (RFC 1035 §8). */
export function mailboxName(email: string): string {
  const at = email.lastIndexOf('@');
  return `${email.slice(0, at).replaceAll('.', INNER_DOT)}.${email.slice(at + 1)}`;
}

function unixSeconds(clock: Clock): number {
  return Math.floor(clock.wall().getTime() / 1_000);
}
