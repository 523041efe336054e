import { TIMEOUTS } from '../timeouts.ts';
import { plainAddress, type TrustedAddresses } from './trusted-addresses.ts';

/**
 * How much of the proxy one host and one address may use, so that load on one host does not reach the others. Each process counts
 * for itself. 0 is no limit.
 */
export interface LimitOptions {
  /** Client connections whose last request was for the same host. */
  connectionsPerHost: number;
  /** Requests of one second for the same host. */
  requestsPerSecondPerHost: number;
  /** Client connections from one address that is not trusted to speak for others. */
  connectionsPerAddress: number;
}

/** A connection of either protocol: a socket, or an HTTP/2 session. */
export interface Closable {
  once(event: 'close', closed: () => void): unknown;
}

/** A connection with a remote address, which costs a call of the kernel. */
type Addressed = Closable & { readonly remoteAddress?: string | undefined };

/** A refusal by the name of its reply. */
export type LimitVerdict = 'admitted' | 'tooManyConnections' | 'tooManyRequests';

export class RateLimits {
  readonly #options: LimitOptions;
  readonly #trust: TrustedAddresses;
  readonly #addresses = new Tally();
  readonly #hosts = new Tally();
  readonly #hostOf = new WeakMap<Closable, string>();
  readonly #requests = new Map<string, number>();
  #windowEnd = Number.NEGATIVE_INFINITY;

  constructor(options: LimitOptions, trust: TrustedAddresses) {
    this.#options = options;
    this.#trust = trust;
  }

  /** Counts a new connection until it closes. Returns false, and does not count it, if its address has too many. */
  connected(connection: Addressed): boolean {
    const most = this.#options.connectionsPerAddress;
    if (most === 0) return true;
    const { remoteAddress = '' } = connection;
    const address = plainAddress(remoteAddress);
    if (this.#trust.includes(remoteAddress)) return true;
    if (this.#addresses.of(address) >= most) return false;
    this.#addresses.add(address);
    connection.once('close', () => this.#addresses.take(address));
    return true;
  }

  /** Counts one request for this backend, unless it is refused. `now` is clock time in milliseconds. */
  admit(id: string, connection: Closable, now: number): LimitVerdict {
    const { connectionsPerHost, requestsPerSecondPerHost } = this.#options;
    const before = connectionsPerHost === 0 ? id : this.#hostOf.get(connection);
    if (before !== id && this.#hosts.of(id) >= connectionsPerHost) return 'tooManyConnections';
    if (requestsPerSecondPerHost > 0 && !this.#takeRequest(id, now)) return 'tooManyRequests';
    if (before !== id) this.#move(connection, before, id);
    return 'admitted';
  }

  #takeRequest(id: string, now: number): boolean {
    if (now >= this.#windowEnd) {
      this.#requests.clear();
      this.#windowEnd = now + TIMEOUTS.rateWindow;
    }
    const count = this.#requests.get(id) ?? 0;
    if (count >= this.#options.requestsPerSecondPerHost) return false;
    this.#requests.set(id, count + 1);
    return true;
  }

  #move(connection: Closable, before: string | undefined, id: string): void {
    if (before !== undefined) this.#hosts.take(before);
    else
      connection.once('close', () => {
        this.#hosts.take(this.#hostOf.get(connection) ?? '');
        this.#hostOf.delete(connection);
      });
    this.#hosts.add(id);
    this.#hostOf.set(connection, id);
  }
}

class Tally {
  readonly #counts = new Map<string, number>();

  of(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  add(name: string): void {
    this.#counts.set(name, this.of(name) + 1);
  }

  take(name: string): void {
    const left = this.of(name) - 1;
    if (left > 0) this.#counts.set(name, left);
    else this.#counts.delete(name);
  }
}
