/**
 * The addresses of a subnet, given out round and round: one that was given back rests before it is
 * given again, so that nobody's late connection reaches a stranger. Pure: the clock is an argument.
 */
export class AddressRange {
  readonly #first: number;
  readonly #size: number;
  readonly #inUse = new Set<string>();
  readonly #restingUntil = new Map<string, number>();
  #cursor: number;

  /** `cursor` is where an earlier range of the same subnet had come to; one that is no number is the beginning. */
  constructor(subnet: string, cursor = 0) {
    const { first, size } = parseSubnet(subnet);
    this.#first = first;
    this.#size = size;
    this.#cursor = Number.isSafeInteger(cursor) ? Math.abs(cursor) % size : 0;
  }

  get cursor(): number {
    return this.#cursor;
  }

  /** Marks an address that something has already. */
  use(address: string): void {
    this.#inUse.add(address);
  }

  /** The next free address; nothing where each is in use or resting. */
  allocate(now: number): string | undefined {
    for (let tries = 0; tries < this.#size; tries++) {
      this.#cursor = (this.#cursor + 1) % this.#size;
      const address = dotted(this.#first + this.#cursor);
      if (this.#isReserved(address) || this.#inUse.has(address)) continue;
      if ((this.#restingUntil.get(address) ?? now) > now) continue;
      this.#restingUntil.delete(address);
      this.#inUse.add(address);
      return address;
    }
    return undefined;
  }

  release(address: string, now: number, restMs: number): void {
    if (this.#inUse.delete(address)) this.#restingUntil.set(address, now + restMs);
  }

  /** The network, the gateway that the engine takes, and what looks like a broadcast address. */
  #isReserved(address: string): boolean {
    return this.#cursor <= 1 || this.#cursor === this.#size - 1 || /\.(?:0|255)$/.test(address);
  }
}

/** Whether a text is an IPv4 subnet in CIDR form with room for backends, from /8 to /28. */
export function isSubnet(text: string): boolean {
  try {
    parseSubnet(text);
    return true;
  } catch {
    return false;
  }
}

function parseSubnet(subnet: string): { first: number; size: number } {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(subnet);
  const [a = 256, b = 256, c = 256, d = 256, bits = 0] = (match?.slice(1) ?? []).map(Number);
  const size = 2 ** (32 - bits);
  const first = ((a * 256 + b) * 256 + c) * 256 + d;
  if (Math.max(a, b, c, d) > 255 || bits < 8 || bits > 28 || first % size !== 0)
    throw new Error(`not an IPv4 subnet from /8 to /28: ${subnet}`);
  return { first, size };
}

function dotted(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}
