import { BackendSpec } from '@spawner/proto/v1/backend';
import { Machine } from '../world/machine.ts';
import { Process } from '../world/process.ts';
import { World } from '../world/world.ts';
import { Engine } from './engine.ts';
import { EngineRuntime } from './engine-runtime.ts';

const ID = 'a'.repeat(26);

/** A drone's engine and the agents that use it, one after the other. */
class Scene {
  readonly world = new World(1);
  readonly engine: Engine;
  starts = 0;
  readonly #machine = new Machine('d1', this.world);

  constructor() {
    const watch = { started: () => this.starts++, stopping: () => {}, starting: () => {} };
    this.engine = new Engine('d1', '10.1.0.0/24', this.world, watch);
  }

  agent() {
    const process = new Process('d1', this.#machine, this.world);
    return { process, runtime: new EngineRuntime(this.engine, process) };
  }

  /** An agent creates a program, asks for its start, and dies a millisecond later. */
  async dieDuringStart(): Promise<void> {
    const { process, runtime } = this.agent();
    runtime.create({ id: ID, placement: 1, spec: BackendSpec.fromPartial({}) });
    await this.#pass(100);
    runtime.start(ID);
    await this.#pass(1);
    process.crash();
  }

  /** The answer, if it comes within `ms`. */
  async answer<T>(asked: Promise<T>, ms = 2_000): Promise<T | undefined> {
    let answer: T | undefined;
    void asked.then((value) => {
      answer = value;
    });
    await this.#pass(ms);
    return answer;
  }

  #pass(ms: number): Promise<void> {
    return this.world.run(this.world.now + ms);
  }
}

describe('an engine that starts a program', () => {
  it('lets the inspection of a new agent wait, as dockerd does', async () => {
    const scene = new Scene();
    await scene.dieDuringStart();
    expect(await scene.answer(scene.agent().runtime.inspect(ID))).toMatchObject({ is: 'running' });
    expect(scene.starts).toBe(1);
  });

  it('carries out a removal after the start', async () => {
    const scene = new Scene();
    await scene.dieDuringStart();
    await scene.answer(scene.agent().runtime.remove(ID));
    expect(scene.starts).toBe(1);
    expect(scene.engine.containers.size).toBe(0);
  });

  it('forgets the start if its machine reboots', async () => {
    const scene = new Scene();
    await scene.dieDuringStart();
    scene.engine.reboot();
    expect(await scene.answer(scene.agent().runtime.inspect(ID))).toEqual({ is: 'absent' });
    expect(scene.starts).toBe(0);
  });
});
