/** The steps of a start and of an end at which faults come in, each as a way to bring a backend there and hold it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BackendState } from '@spawner/proto/v1/backend';
import type { EngineCall, When } from './engine-holds.ts';
import type { SandboxScene } from './sandbox-scene.ts';

const { READY } = BackendState;

/** The state of a backend's program when it is held. */
export type Program = 'absent' | 'running' | 'ending';

export interface LifeStep {
  readonly name: string;
  readonly program: Program;
  /** Brings a backend to the step. Resolves with its id. */
  readonly reach: (scene: SandboxScene) => Promise<string>;
}

/** A step of a start. Its backend is the one that `place` places. */
export interface RisingStep extends LifeStep {
  readonly reach: (scene: SandboxScene, place?: () => Promise<string>) => Promise<string>;
}

const isCreation =
  (name: (container: string) => boolean) =>
  ({ path, container }: EngineCall) =>
    path.endsWith('/containers/create') && name(container);
const isStart =
  (name: (container: string) => boolean) =>
  ({ path, container }: EngineCall) =>
    path.endsWith('/start') && name(container);
const isHolder = (container: string) => container.startsWith('spawner-sandbox-');
const isProgram = (container: string) => container.startsWith('spawner-') && !isHolder(container);
const isOf = (id: string) => (container: string) => container === `spawner-${id}`;

/** Places a backend whose request is held on its way up. The next such request is its own, because no other start moves. */
const rising =
  (when: When, isDue: (call: EngineCall) => boolean) =>
  async ({ holds, world }: SandboxScene, place = () => world.place({})) => {
    const reached = holds.hold(when, isDue);
    const id = await place();
    await reached;
    return id;
  };

/** Places a backend, and stops it once it is READY. Its request is held on its way down. */
const falling =
  (when: When, request: (id: string, scene: SandboxScene) => (call: EngineCall) => boolean, force: boolean) =>
  async (scene: SandboxScene) => {
    const { holds, world } = scene;
    const id = await world.place({ stopGraceMs: 2_000, env: force ? {} : { IGNORE_SIGTERM: 'true' } });
    await world.reaches(id, READY);
    const reached = holds.hold(when, request(id, scene));
    await world.stop(id, { force });
    await reached;
    return id;
  };

const removesContainer =
  (id: string) =>
  ({ method, container }: EngineCall) =>
    method === 'DELETE' && container === `spawner-${id}`;

/** The mark on disk says whose the holder is. */
const removesHolder =
  (id: string, { world }: SandboxScene) =>
  ({ method, path }: EngineCall) => {
    const [, holder] = /\/containers\/([0-9a-f]{64})$/.exec(path) ?? [];
    if (method !== 'DELETE' || !holder) return false;
    try {
      return readFileSync(join(world.state.path, 'sandboxes', holder), 'utf8') === id;
    } catch {
      return false;
    }
  };

export const RISING_STEPS: readonly RisingStep[] = [
  { name: 'has its sandbox', program: 'absent', reach: rising('before', isCreation(isProgram)) },
  { name: 'has its container', program: 'absent', reach: rising('after', isCreation(isProgram)) },
  { name: 'was reported', program: 'absent', reach: rising('before', isStart(isProgram)) },
  { name: 'was started', program: 'running', reach: rising('after', isStart(isProgram)) },
];

export const LIFE_STEPS: readonly LifeStep[] = [
  ...RISING_STEPS,
  {
    name: 'is READY',
    program: 'running',
    reach: async ({ world }) => {
      const id = await world.place({});
      await world.reaches(id, READY);
      return id;
    },
  },
  {
    name: 'was asked to end',
    program: 'ending',
    reach: falling(
      'after',
      (id) =>
        ({ path, container }) =>
          path.endsWith('/kill') && isOf(id)(container),
      false,
    ),
  },
  { name: 'is to be removed', program: 'ending', reach: falling('before', removesContainer, true) },
  { name: 'has lost its container', program: 'ending', reach: falling('after', removesContainer, true) },
  { name: 'has lost its sandbox', program: 'ending', reach: falling('after', removesHolder, true) },
];

/** A sandbox that is being made. */
export interface MakingStep {
  readonly name: string;
  readonly when: When;
  readonly isDue: (call: EngineCall) => boolean;
}

export const MAKING_STEPS: readonly MakingStep[] = [
  { name: 'holder is created', when: 'after', isDue: isCreation(isHolder) },
  { name: 'holder is started', when: 'after', isDue: isStart(isHolder) },
];
