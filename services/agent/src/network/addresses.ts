import { createHash } from 'node:crypto';
import { type Clock, DEADLINES } from '@spawner/domain';
import type { StateFiles } from '../state/state-dir.ts';
import { AddressRange } from './address-range.ts';

const CURSOR_FILE = 'address-cursor';
/** Sandboxes leave at least this many addresses to starts that find none ready, and a quarter of the subnet. */
const LEFT_TO_STARTS = 8;

interface AddressesParts {
  readonly subnet: string;
  readonly droneId: string;
  readonly state: StateFiles;
  readonly clock: Clock;
}

/** The addresses of the drone's network. The cursor of their range survives a restart of the agent. */
export class Addresses {
  readonly #range: AddressRange;
  readonly #state: StateFiles;
  readonly #clock: Clock;

  constructor({ subnet, droneId, state, clock }: AddressesParts) {
    // Two drones on one engine start apart in the range. The engine refuses an address that both have allocated.
    const apart = createHash('sha256').update(droneId).digest().readUInt32BE(0);
    this.#range = new AddressRange(subnet, Number(state.read(CURSOR_FILE) ?? apart));
    this.#state = state;
    this.#clock = clock;
  }

  /** The next free address. Returns undefined if every address is in use or resting. Throws if the disk is full. */
  allocate(): string | undefined {
    const address = this.#range.allocate(this.#clock.now());
    // Not durable: after a power loss no program has an address that another could still use.
    if (address) this.#state.write(CURSOR_FILE, String(this.#range.cursor), { durable: false });
    return address;
  }

  /** The next free address for a sandbox. Returns undefined if only as many are free as starts may need. */
  allocateAhead(): string | undefined {
    const left = Math.max(LEFT_TO_STARTS, this.#range.usable / 4);
    return this.#range.free(this.#clock.now()) > left ? this.allocate() : undefined;
  }

  use(address: string): void {
    this.#range.use(address);
  }

  /** A program has had the address, so it rests before the next one gets it. */
  release(address: string): void {
    this.#range.release(address, this.#clock.now(), DEADLINES.addressRest);
  }

  /** No program has had the address. */
  giveBack(address: string): void {
    this.#range.release(address, this.#clock.now(), 0);
  }
}
