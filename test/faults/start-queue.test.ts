/** Faults while starts wait in the queue of a drone: none is lost, overtaken or made twice, and a cancelled one costs nothing. */
import { BackendState, EndReason } from '@spawner/proto/v1/backend';
import { eventually } from '@spawner/testkit';
import { statesOf } from '../integration/agent-harness.ts';
import { type SandboxScene, startSandboxScene } from './sandbox-scene.ts';
import { RISING_STEPS } from './start-steps.ts';

const { STARTING, READY, TERMINATED } = BackendState;
/** The places, each of which a held start has. */
const AT_ONCE = 2;
const WAITING = 6;
/** The position from 0 of the one that is cancelled while it waits. */
const CANCELLED = 2;
/** The steps of those that have the places. */
const [created, , , started] = RISING_STEPS;

describe('starts that wait in the queue', () => {
  let scene: SandboxScene;
  let placement = 0;

  beforeAll(async () => {
    scene = await startSandboxScene(AT_ONCE + WAITING, AT_ONCE);
    await scene.isWhole();
  });
  afterAll(async () => {
    await scene?.[Symbol.asyncDispose]();
  });
  afterEach(async () => {
    scene.holds.release({ lost: false });
    for (const { id, state } of scene.world.scheduler.statuses.values())
      if (state !== TERMINATED) await scene.world.stop(id, { force: true });
    await scene.isWhole();
  });

  const place = () => scene.world.place({}, undefined, ++placement);
  const positionOf = async (id: string) => (await scene.world.client.explainBackend({ id })).queuePosition;
  const readyAt = (id: string) =>
    scene.world.scheduler.statuses
      .get(id)
      ?.events.find(({ state }) => state === READY)
      ?.time?.getTime() ?? Number.NaN;

  const faults = {
    'the agent is killed': async ({ world, holds }: SandboxScene) => {
      await world.crash();
      holds.release({ lost: true });
      await world.restart();
    },
    'the engine is killed, and its containers live on': async ({ engine, holds }: SandboxScene) => {
      await engine.kill();
      await engine.start();
      holds.release({ lost: true });
    },
    'the agent and the engine are killed': async ({ world, engine, holds }: SandboxScene) => {
      await world.crash();
      await engine.kill();
      holds.release({ lost: true });
      await engine.start();
      await world.restart();
    },
  };
  const rounds = Object.entries(faults).map(([name, happens]) => ({ name, happens }));

  it.each(rounds)('are all served, in order, when $name', async ({ happens }) => {
    const since = Date.now();
    const before = [await created!.reach(scene, place), await started!.reach(scene, place)];
    const waiting: string[] = [];
    while (waiting.length < WAITING) waiting.push(await place());
    const positions = () => Promise.all(waiting.map(positionOf));
    await eventually(async () => expect(await positions()).toEqual(waiting.map((_, at) => at + 1)));

    await happens(scene);
    const [cancelled = ''] = waiting.splice(CANCELLED, 1);
    await scene.world.stop(cancelled);
    const ended = await scene.world.reaches(cancelled, TERMINATED);
    expect(ended.endReason).toBe(EndReason.REQUESTED);

    const all = [...before, ...waiting];
    for (const id of all) {
      const status = await scene.world.reaches(id, READY);
      expect(statesOf(status).filter((state) => state === STARTING)).toHaveLength(1);
      await scene.serves(id);
    }
    const order = all.toSorted((one, other) => readyAt(one) - readyAt(other));
    for (const [at, id] of order.entries())
      expect(Math.abs(at - all.indexOf(id))).toBeLessThanOrEqual(AT_ONCE);
    const creations = await scene.creations(since);
    expect(waiting.map((id) => creations.get(id))).toEqual(waiting.map(() => 1));
    if (!statesOf(ended).includes(STARTING)) expect(creations.has(cancelled)).toBe(false);
    await scene.isWhole(all);
  });
});
