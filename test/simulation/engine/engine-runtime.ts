import type { Attempt } from '../../../services/agent/src/lifecycle/probe.ts';
import {
  type Condition,
  type Endpoints,
  type Program,
  type Runtime,
  RuntimeError,
} from '../../../services/agent/src/runtime/runtime.ts';
import { EngineError } from '../world/errors.ts';
import type { Process } from '../world/process.ts';
import type { Container } from './container.ts';
import type { Engine } from './engine.ts';

export const PORT = 8080;

/** The engine as one agent uses it: every request takes its time there and back, and an agent that is gone hears no answer. */
export class EngineRuntime implements Runtime {
  readonly kind = 'docker';
  readonly #engine: Engine;
  readonly #agent: Process;

  constructor(engine: Engine, agent: Process) {
    this.#engine = engine;
    this.#agent = agent;
  }

  async pull(): Promise<void> {
    const { random } = this.#engine.world;
    await this.#ask(random.skewed(1, 4_000), () => {});
    if (random.chance(0.02)) throw new RuntimeError('no such image');
  }

  create(program: Program): Promise<void> {
    this.#engine.asked('create');
    const ms = this.#engine.world.random.between(2, 40);
    return this.#askAbout(program.id, ms, () => this.#engine.create(program));
  }

  async start(id: string): Promise<Endpoints> {
    const { random } = this.#engine.world;
    this.#engine.asked('start');
    this.#engine.watch.starting(this.#engine.drone, id);
    if (random.chance(0.01)) {
      this.#engine.failed.add(id);
      throw new RuntimeError('the program cannot be started');
    }
    const ms = this.#engine.lockedFor(id) + random.between(30, 600);
    this.#engine.lock(id, ms);
    return this.#ask(ms, () => endpointsOf(this.#engine.start(id)));
  }

  signal(id: string): Promise<boolean> {
    this.#engine.asked('signal');
    return this.#askAbout(id, 1, () => this.#engine.signal(id));
  }

  remove(id: string): Promise<void> {
    this.#engine.asked('remove');
    const ms = this.#engine.world.random.between(5, 300);
    return this.#askAbout(id, ms, () => this.#engine.remove(id));
  }

  inspect(id: string): Promise<Condition> {
    return this.#askAbout(id, 1, () => {
      const container = this.#engine.containers.get(id);
      if (!container || container.state === 'created') return { is: 'absent' };
      if (container.state === 'running') return { is: 'running', endpoints: endpointsOf(container) };
      return { is: 'exited', exit: { code: container.exitCode, outOfMemory: false } };
    });
  }

  async *logs() {}

  async *stats() {}

  established(id: string): Promise<number | undefined> {
    return this.#askAbout(id, 1, () => this.#engine.containers.get(id)?.connections.size);
  }

  list(): Promise<string[]> {
    return this.#ask(1, () => [...this.#engine.containers.keys()]);
  }

  /** Events, until the stream breaks; what happens before it is followed again is not told. */
  watch(changed: (id?: string) => void): Promise<void> {
    const leave = this.#engine.listen((id) => {
      this.#engine.world.after(1, () => changed(id), this.#agent);
    });
    this.#agent.onCrash(leave);
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
function endpointsOf({ address }: Container): Endpoints {
  const endpoint = { host: address, port: PORT };
  return { local: endpoint, network: endpoint };
}
