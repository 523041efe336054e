import type { Attempt } from '../../../services/agent/src/lifecycle/probe.ts';
import { Addresses } from '../../../services/agent/src/network/addresses.ts';
import { SandboxDemand } from '../../../services/agent/src/network/sandbox-demand.ts';
import { SandboxKeeper } from '../../../services/agent/src/network/sandbox-keeper.ts';
import { SandboxPool } from '../../../services/agent/src/network/sandbox-pool.ts';
import { Links } from '../../../services/agent/src/runtime/docker/network/links.ts';
import {
  type Condition,
  type Endpoints,
  type Program,
  type Runtime,
  RuntimeError,
  SEVERED,
} from '../../../services/agent/src/runtime/runtime.ts';
import type { StateFiles } from '../../../services/agent/src/state/state-dir.ts';
import { EngineError } from '../world/errors.ts';
import type { Process } from '../world/process.ts';
import type { Container } from './container.ts';
import type { Engine } from './engine.ts';
import { EngineSandboxes } from './engine-sandboxes.ts';

export const PORT = 8080;
/** So few that a crowd of starts finds none ready. */
const SANDBOXES = 2;
const SANDBOXES_SHARE = 0.25;
/** The tries of a start whose sandbox is gone. Each takes another one. */
const TRIES = 16;

interface EngineRuntimeParts {
  readonly engine: Engine;
  readonly agent: Process;
  readonly subnet: string;
  readonly state: StateFiles;
}

/** The engine as one agent uses it: every request takes its time there and back, and an agent that is gone hears no answer. */
export class EngineRuntime implements Runtime {
  readonly kind = 'docker';
  readonly #engine: Engine;
  readonly #agent: Process;
  readonly #links: Links;
  readonly #created = new Map<string, Program>();
  readonly sandboxes: SandboxKeeper;

  /** The agent's own classes keep addresses and sandboxes, as in open-docker.ts. */
  constructor({ engine, agent, subnet, state }: EngineRuntimeParts) {
    this.#engine = engine;
    this.#agent = agent;
    const { clock, log } = agent;
    const addresses = new Addresses({ subnet, droneId: engine.drone, state, clock });
    this.sandboxes = new SandboxKeeper({
      api: new EngineSandboxes(engine, addresses, (ms, work) => this.#ask(ms, work)),
      pool: new SandboxPool(state.below('sandboxes')),
      demand: new SandboxDemand(SANDBOXES),
      share: SANDBOXES_SHARE,
      clock,
      log,
      random: engine.world.random.next,
    });
    this.#links = new Links(addresses, this.sandboxes);
  }

  async pull(): Promise<void> {
    const { random } = this.#engine.world;
    await this.#ask(random.skewed(1, 4_000), () => {});
    if (random.chance(0.02)) throw new RuntimeError('no such image');
  }

  async create(program: Program): Promise<void> {
    this.#engine.asked('create');
    const { id } = program;
    const link = this.#links.attach(id, true);
    const ms = this.#engine.world.random.between(2, 40);
    const running = await this.#askAbout(id, ms, () => this.#engine.create(program, link));
    if (running && !(await this.#adopted(running))) throw new RuntimeError(SEVERED);
    this.#created.set(id, program);
    await this.#links.releaseFormer(id);
  }

  async start(id: string): Promise<Endpoints> {
    const program = this.#created.get(id);
    if (!program) throw new Error('start before create');
    const { random } = this.#engine.world;
    this.#engine.asked('start');
    this.#engine.watch.starting(this.#engine.drone, id);
    if (random.chance(0.01)) {
      this.#engine.failed.add(id);
      throw new RuntimeError('the program cannot be started');
    }
    for (let tries = 1; ; tries++) {
      const ms = this.#engine.lockedFor(id) + random.between(30, 600);
      this.#engine.lock(id, ms);
      try {
        await this.#ask(ms, () => this.#engine.start(id));
        break;
      } catch (error) {
        const { holder = '' } = this.#links.of(id) ?? {};
        const isLost = error instanceof EngineError && holder !== '' && error.message.includes(holder);
        if (!isLost || tries === TRIES) throw error;
        await this.remove(id);
        await this.create(program);
      }
    }
    this.#created.delete(id);
    return endpointsOf(this.#links.of(id) ?? { address: '' });
  }

  signal(id: string): Promise<boolean> {
    this.#engine.asked('signal');
    return this.#askAbout(id, 1, () => this.#engine.signal(id));
  }

  async remove(id: string): Promise<void> {
    this.#engine.asked('remove');
    const ms = this.#engine.world.random.between(5, 300);
    await this.#askAbout(id, ms, () => this.#engine.remove(id));
    this.#created.delete(id);
    await this.#links.release(id);
  }

  async inspect(id: string): Promise<Condition> {
    const { container, state } = await this.#askAbout(id, 1, () => {
      const container = this.#engine.containers.get(id);
      return { container, state: container?.state };
    });
    if (!container || state === 'created') return { is: 'absent' };
    if (state === 'exited') return { is: 'exited', exit: { code: container.exitCode, outOfMemory: false } };
    const endpoints = await this.#adopted(container);
    return endpoints ? { is: 'running', endpoints } : { is: 'severed' };
  }

  async *logs() {}

  async *stats() {}

  established(id: string): Promise<number | undefined> {
    return this.#askAbout(id, 1, () => {
      const container = this.#engine.containers.get(id);
      return container && !this.#engine.isSevered(container) ? container.connections.size : undefined;
    });
  }

  list(): Promise<string[]> {
    return this.#ask(1, () => [...this.#engine.containers.keys()]);
  }

  /** Events, until the stream breaks; what happens before it is followed again is not told. */
  async watch(changed: (id?: string) => void): Promise<void> {
    const leave = this.#engine.listen((id, isHolder) => {
      const tell = () => {
        const severed = isHolder && id !== undefined ? this.sandboxes.died(id) : undefined;
        if (!isHolder || severed !== undefined) changed(severed ?? id);
      };
      this.#engine.world.after(1, tell, this.#agent);
    });
    this.#agent.onCrash(leave);
    await this.sandboxes.look();
    changed();
    return new Promise((_, reject) => {
      this.#engine.world.after(
        this.#engine.world.random.between(20_000, 200_000),
        () => {
          leave();
          reject(new EngineError('the stream of events ended'));
        },
        this.#agent,
      );
    });
  }

  close(): void {}

  /** An attempt to connect to a program that starts. */
  readonly attempt: Attempt = ({ host }) =>
    this.#ask(1, () => {
      const container = this.#engine.at(host);
      return container !== undefined && container.answersAt <= this.#engine.world.now;
    });

  /** The endpoints of a program that runs, whose link is known from now on. Returns undefined if it has lost its network. */
  async #adopted({ id, address, holder }: Container): Promise<Endpoints | undefined> {
    if (holder !== undefined) {
      const link = await this.#links.keepSandbox(id, holder);
      return link && endpointsOf(link);
    }
    this.#links.keepAddress(id, address);
    return endpointsOf({ address });
  }

  /** A request that needs the lock of one container. */
  #askAbout<T>(id: string, ms: number, work: () => T): Promise<T> {
    return this.#ask(this.#engine.lockedFor(id) + ms, work);
  }

  #ask<T>(ms: number, work: () => T): Promise<T> {
    const engine = this.#engine;
    const { world } = engine;
    return new Promise((resolve, reject) => {
      engine.take(ms, () => {
        const late = 0.5 + engine.lateness();
        try {
          const answer = work();
          world.after(late, () => resolve(answer), this.#agent);
        } catch (error) {
          world.after(late, () => reject(error), this.#agent);
        }
      });
    });
  }
}

/** Reached by its address from everywhere, whatever drone the proxy is on. */
function endpointsOf({ address }: { readonly address: string }): Endpoints {
  const endpoint = { host: address, port: PORT };
  return { local: endpoint, network: endpoint };
}
