/**
 * Faults in every step of a start and of an end, and while sandboxes are made. One fault meets a backend in each step at
 * once: the requests to the engine are held there. SPAWNER_TEST_SANDBOX_STEPS=each brings every fault to one step alone.
 */
import { BackendState, EndReason } from '@spawner/proto/v1/backend';
import { eventually } from '@spawner/testkit';
import { type SandboxScene, SETTLED_WITHIN_MS, startSandboxScene } from './sandbox-scene.ts';
import { LIFE_STEPS, type LifeStep, MAKING_STEPS } from './start-steps.ts';

const { READY, TERMINATED } = BackendState;
const SANDBOXES = LIFE_STEPS.length + 1;
const REQUESTED = EndReason.REQUESTED;

interface Fault {
  readonly name: string;
  /** Whether the requests that are held are lost. */
  readonly lost: boolean;
  readonly happens: (scene: SandboxScene) => Promise<void>;
  /** Whether running programs survive it. */
  readonly spares: boolean;
}

const holdersOf = async ({ docker }: SandboxScene) =>
  (await docker('ps', '--quiet', '--no-trunc', '--filter', 'label=dev.spawner.sandbox'))
    .split('\n')
    .filter(Boolean);

/** Does it to every holder that runs. The agent may remove one meanwhile. */
const toHolders = async (scene: SandboxScene, ...command: string[]) => {
  for (const holder of await holdersOf(scene))
    await scene
      .docker(...command, holder)
      .catch((error: Error) =>
        expect(error.message).toMatch(
          /No such container|is not running|removal of container .* in progress/i,
        ),
      );
};

const FAULTS: readonly Fault[] = [
  {
    name: 'the agent is killed',
    lost: true,
    spares: true,
    happens: async ({ world, holds }) => {
      await world.crash();
      holds.release({ lost: true });
      await world.restart();
    },
  },
  {
    name: 'the engine is killed, and its containers live on',
    lost: true,
    spares: true,
    happens: async ({ engine }) => {
      await engine.kill();
      await engine.start();
    },
  },
  {
    name: 'the engine restarts, and its containers end',
    lost: true,
    spares: false,
    happens: async ({ engine, holds }) => {
      await engine.setLiveRestore(false);
      holds.release({ lost: true });
      await engine.restart();
      await engine.setLiveRestore(true);
    },
  },
  {
    name: 'the holders are killed',
    lost: false,
    spares: false,
    happens: (scene) => toHolders(scene, 'kill'),
  },
  {
    name: 'the holders are removed by force',
    lost: false,
    spares: false,
    happens: (scene) => toHolders(scene, 'rm', '--force'),
  },
  {
    name: 'the networks are pruned, and holders are there that no one recorded',
    lost: false,
    spares: true,
    happens: async ({ docker, labels, network }) => {
      await docker('network', 'prune', '--force');
      for (const on of ['none', network])
        await docker('run', '--detach', '--network', on, ...labels(), 'spawner/holder:1', '/holder').catch(
          // The network was pruned.
          (error: Error) => expect(error.message).toContain(`network ${network} not found`),
        );
    },
  },
];

const EACH = process.env.SPAWNER_TEST_SANDBOX_STEPS === 'each';
const GROUPS: readonly (readonly LifeStep[])[] = EACH ? LIFE_STEPS.map((step) => [step]) : [LIFE_STEPS];

describe('network sandboxes in every step', () => {
  let scene: SandboxScene;

  beforeAll(async () => {
    scene = await startSandboxScene(SANDBOXES);
    await scene.isWhole();
  });
  afterAll(async () => {
    await scene?.[Symbol.asyncDispose]();
  });

  /** A round that failed must not be in the way of the next. */
  afterEach(async () => {
    scene.holds.release({ lost: false });
    const { statuses } = scene.world.scheduler;
    const living = [...statuses.values()].filter(({ state }) => state !== TERMINATED);
    for (const { id } of living) await scene.world.stop(id, { force: true });
    await scene.isWhole();
  });

  const rounds = FAULTS.flatMap((fault) =>
    GROUPS.map((steps) => ({
      fault,
      steps,
      title: EACH ? `${fault.name} and the backend ${steps[0]!.name}` : fault.name,
    })),
  );
  it.each(rounds)('converge when $title', async ({ fault, steps }) => {
    const began = Date.now();
    const backends: { id: string; step: LifeStep }[] = [];
    for (const step of steps) backends.push({ id: await step.reach(scene), step });
    const reached = Date.now();
    await fault.happens(scene);
    scene.holds.release(fault);
    await Promise.all(backends.map(({ id, step }) => hasItsDue(id, step, fault)));
    const living = await serving(backends.map(({ id }) => id));
    const later = await scene.world.place({});
    await scene.serves(later);
    const decided = Date.now();
    await scene.isWhole([...living, later]);
    const times = [reached - began, decided - reached, Date.now() - decided];
    process.stdout.write(`faults: ${fault.name}: ms to reach, to decide, to settle: ${times.join(', ')}\n`);
  });

  const making = MAKING_STEPS.flatMap((step) =>
    FAULTS.slice(0, 2).map((fault) => ({ step, fault, title: `${step.name} and ${fault.name}` })),
  );
  it.each(EACH ? making : making.slice(0, 3))('are all there after their $title', async ({ step, fault }) => {
    const { holds, docker } = scene;
    const reached = holds.hold(step.when, step.isDue);
    const [holder = ''] = await holdersOf(scene);
    await docker('rm', '--force', holder);
    await reached;
    await fault.happens(scene);
    holds.release(fault);
    const later = await scene.world.place({});
    await scene.serves(later);
  });

  /** An ordered end is kept. A program that a fault has not met runs, and another one has ended with a true reason. */
  async function hasItsDue(id: string, { name, program }: LifeStep, { spares }: Fault): Promise<void> {
    const status = await eventually(
      () => {
        const now = scene.world.scheduler.statuses.get(id);
        if (now?.state === TERMINATED || (now?.state === READY && (spares || program === 'absent')))
          return now;
        throw new Error(`the backend that ${name} has the state ${now?.state}`);
      },
      { timeoutMs: SETTLED_WITHIN_MS },
    );
    const { state, endReason, endDetail } = status;
    const seen = { name, state, endReason, endDetail };
    if (program === 'ending') expect(seen).toMatchObject({ state: TERMINATED, endReason: REQUESTED });
    else if (spares || program === 'absent')
      expect(seen).toEqual({ name, state: READY, endReason: EndReason.UNSPECIFIED, endDetail: '' });
    else expect(seen).toMatchObject({ name, state: TERMINATED });
    if (state === TERMINATED && program === 'running')
      expect([EndReason.FAILED, EndReason.EXITED, EndReason.START_ERROR]).toContain(endReason);
  }

  async function serving(ids: readonly string[]): Promise<string[]> {
    const living = ids.filter((id) => scene.world.scheduler.statuses.get(id)?.state === READY);
    for (const id of living) await scene.serves(id);
    return living;
  }
});
