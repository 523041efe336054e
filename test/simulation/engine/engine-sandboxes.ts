import type { Addresses } from '../../../services/agent/src/network/addresses.ts';
import type { FoundSandbox, Sandbox, SandboxApi } from '../../../services/agent/src/network/sandbox.ts';
import type { Ask, Engine } from './engine.ts';

/** The engine's sandboxes as one agent sees them. An agent may die between any two of the requests. */
export class EngineSandboxes implements SandboxApi {
  readonly #engine: Engine;
  readonly #addresses: Addresses;
  readonly #ask: Ask;
  /** The holders that an earlier agent left dead, or without the container that had joined them. */
  readonly #leftovers = new Set<string>();

  constructor(engine: Engine, addresses: Addresses, ask: Ask) {
    this.#engine = engine;
    this.#addresses = addresses;
    this.#ask = ask;
  }

  async make(): Promise<Sandbox | undefined> {
    const { world, holders } = this.#engine;
    const address = this.#addresses.allocateAhead();
    if (!address) return undefined;
    this.#engine.asked('make');
    try {
      const id = await this.#ask(world.random.between(2, 40), () => holders.create(address));
      await this.#ask(world.random.between(100, 500), () => this.#engine.startHolder(id));
      return { id, address };
    } catch (error) {
      this.#addresses.release(address);
      throw error;
    }
  }

  async remove({ id, address }: Sandbox): Promise<void> {
    const { world } = this.#engine;
    this.#engine.asked('unmake');
    await this.#ask(world.random.between(5, 300), () => this.#removed(id));
    this.#addresses.release(address);
  }

  list(): Promise<FoundSandbox[]> {
    const { holders, containers } = this.#engine;
    return this.#ask(1, () =>
      [...holders.all.values()].map(({ id, address, state, user }) => {
        const joined = user !== undefined && containers.get(user)?.holder === id;
        return {
          id,
          address,
          usable: state === 'running',
          current: true,
          joinedBy: joined ? user : undefined,
        };
      }),
    );
  }

  adopt({ id, address }: Sandbox): void {
    const { holders, containers, world } = this.#engine;
    const { user } = holders.all.get(id) ?? {};
    const isJoined = user !== undefined && containers.get(user)?.holder === id;
    if (holders.runs(id) && (user === undefined || isJoined)) world.count('sandboxes-adopted');
    else this.#leftovers.add(id);
    this.#addresses.use(address);
  }

  /** The product removes a sandbox after its program. */
  #removed(id: string): void {
    const { world, holders, containers } = this.#engine;
    const { user, state } = holders.all.get(id) ?? {};
    const program = user === undefined ? undefined : containers.get(user);
    if (state === 'running' && program?.holder === id && program.state === 'running')
      world.violate('severed', `the agent removes ${id} under ${user}`);
    if (this.#leftovers.has(id) && holders.all.has(id)) world.count('sandbox-leftovers');
    this.#engine.endHolder(id, true);
  }
}
