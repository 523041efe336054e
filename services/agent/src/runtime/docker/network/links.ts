import type { Endpoint } from '@spawner/proto/internal/backend_status';
import type { Addresses } from '../../../network/addresses.ts';
import type { SandboxKeeper } from '../../../network/sandbox-keeper.ts';
import { RuntimeError } from '../../runtime.ts';

/** How a container reaches the network. Without a holder it has the address itself. */
export interface Link {
  readonly address: string;
  /** The holder of the sandbox that it joins. */
  readonly holder?: string;
  /** The endpoint at which other machines reach the sandbox. */
  readonly published?: Endpoint;
}

/** The links of the drone's containers, by backend id. */
export class Links {
  readonly #addresses: Addresses;
  readonly #sandboxes: SandboxKeeper;
  readonly #links = new Map<string, Link>();

  constructor(addresses: Addresses, sandboxes: SandboxKeeper) {
    this.#addresses = addresses;
    this.#sandboxes = sandboxes;
  }

  of(id: string): Link | undefined {
    return this.#links.get(id);
  }

  /** Gives a backend a ready sandbox if it can join one, and otherwise an address. Throws RuntimeError if none is free. */
  attach(id: string, canJoin: boolean): Link {
    const sandbox = this.#sandboxes.take(id, canJoin);
    const address = sandbox?.address ?? this.#addresses.allocate();
    if (!address) throw new RuntimeError("no address is free in the drone's network");
    const link = { address, holder: sandbox?.id, published: sandbox?.published };
    this.#links.set(id, link);
    return link;
  }

  /** A program runs with this address of its own. The address that was allocated for it is free again. */
  keepAddress(id: string, address: string): void {
    if (address === '') return;
    const link = this.#links.get(id);
    if (link && !link.holder && link.address !== address) this.#addresses.giveBack(link.address);
    this.#addresses.use(address);
    this.#links.set(id, { address });
  }

  /** A program runs in the sandbox of this holder. Returns undefined if it has lost its network. */
  async keepSandbox(id: string, holder: string): Promise<Link | undefined> {
    const link = this.#links.get(id);
    if (link?.holder === holder) return (await this.#sandboxes.joined(holder)) && link;
    this.#links.delete(id);
    if (link && !link.holder) this.#addresses.giveBack(link.address);
    const sandbox = await this.#sandboxes.joined(holder);
    if (!sandbox) return undefined;
    this.#links.set(id, { address: sandbox.address, holder, published: sandbox.published });
    return this.#links.get(id);
  }

  /** Removes the sandboxes that an earlier container of the backend may have joined. */
  async releaseFormer(id: string): Promise<void> {
    await this.#sandboxes.release(id, this.#links.get(id)?.holder);
  }

  /** The container is gone: its sandbox is removed, and its address rests. */
  async release(id: string): Promise<void> {
    const link = this.#links.get(id);
    this.#links.delete(id);
    if (link && !link.holder) this.#addresses.release(link.address);
    await this.#sandboxes.release(id);
  }
}
