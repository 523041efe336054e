/**
 * The addresses of a subnet, allocated in a circle. A released address rests before it is used again, so that a late
 * connection cannot reach another backend. Pure: times are arguments.
 */
export class AddressRange {
  /** The addresses that may be allocated. */
  readonly usable: number;
  readonly #subnet: { readonly first: number; readonly size: number };
  readonly #inUse = new Set<string>();
  readonly #restingUntil = new Map<string, number>();
  #cursor: number;

  /** `cursor` is the position of an earlier range of the same subnet. A damaged one counts as the beginning. */
  constructor(subnet: string, cursor = 0) {
    const parsed = parseSubnet(subnet);
    if (!parsed) throw new Error(`not an IPv4 subnet from /8 to /28: ${subnet}`);
    this.#subnet = parsed;
    // Each 256 addresses have one that ends with 0 and one with 255; the gateway is one more.
    this.usable = parsed.size - 2 * Math.max(1, parsed.size / 256) - 1;
    this.#cursor = Number.isSafeInteger(cursor) ? Math.abs(cursor) % parsed.size : 0;
  }

  get cursor(): number {
    return this.#cursor;
  }

  /** Marks an address as used. */
  use(address: string): void {
    this.#inUse.add(address);
  }

  /** The next free address. Returns undefined if every address is in use or resting. */
  allocate(now: number): string | undefined {
    const { first, size } = this.#subnet;
    for (let tries = 0; tries < size; tries++) {
      this.#cursor = (this.#cursor + 1) % size;
      const address = dotted(first + this.#cursor);
      if (this.#isReserved(address) || this.#inUse.has(address)) continue;
      if ((this.#restingUntil.get(address) ?? now) > now) continue;
      this.#restingUntil.delete(address);
      this.#inUse.add(address);
      return address;
    }
    return undefined;
  }

  /** The addresses that `allocate` could return now, one after the other. */
  free(now: number): number {
    for (const [address, until] of this.#restingUntil) if (until <= now) this.#restingUntil.delete(address);
    return this.usable - this.#inUse.size - this.#restingUntil.size;
  }

  release(address: string, now: number, restMs: number): void {
    if (this.#inUse.delete(address)) this.#restingUntil.set(address, now + restMs);
  }

  /** The network, the engine's gateway, and addresses that look like a network or a broadcast. */
  #isReserved(address: string): boolean {
    return this.#cursor <= 1 || this.#cursor === this.#subnet.size - 1 || /\.(?:0|255)$/.test(address);
  }
}

/** Whether the text is an IPv4 subnet in CIDR form, from /8 to /28. */
export function isSubnet(text: string): boolean {
  return parseSubnet(text) !== undefined;
}

function parseSubnet(subnet: string) {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(subnet);
  const [a = 256, b = 256, c = 256, d = 256, bits = 0] = (match?.slice(1) ?? []).map(Number);
  const size = 2 ** (32 - bits);
  const first = ((a * 256 + b) * 256 + c) * 256 + d;
  const isValid = Math.max(a, b, c, d) <= 255 && bits >= 8 && bits <= 28 && first % size === 0;
  return isValid ? { first, size } : undefined;
}

function dotted(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}
