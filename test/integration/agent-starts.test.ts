import { BackendState, EndReason } from '@spawner/proto/v1/backend';
import { eventually, type TempDir, tempDir } from '@spawner/testkit';
import { installProgram } from '../../deploy/images/program.ts';
import { type AgentWorld, startAgentWorld, statesOf } from './agent-harness.ts';

const { LOADING, STARTING, READY, TERMINATED } = BackendState;
const AT_ONCE = 2;
const MANY = 20;

describe('an agent that gets many starts at once', () => {
  let programs: TempDir;
  let world: AgentWorld;

  beforeAll(async () => {
    programs = await tempDir('programs');
    installProgram({ name: 'probe', directory: programs.path });
  });
  beforeEach(async () => {
    world = await startAgentWorld({
      SPAWNER_AGENT_RUNTIME: 'process',
      SPAWNER_AGENT_PROGRAMS_DIR: programs.path,
      SPAWNER_AGENT_STARTS_AT_ONCE: String(AT_ONCE),
    });
  });
  afterEach(async () => {
    const ids = [...(world?.scheduler.statuses.keys() ?? [])];
    await Promise.all(ids.map((id) => world.stop(id, { force: true })));
    await Promise.all(ids.map((id) => world.reaches(id, TERMINATED)));
    await world?.[Symbol.asyncDispose]();
  });
  afterAll(async () => {
    await programs?.stop();
  });

  const placeMany = async () => {
    const ids: string[] = [];
    for (let count = 0; count < MANY; count++) ids.push(await world.place({}));
    return ids;
  };
  const eventsOf = (id: string) => world.scheduler.statuses.get(id)?.events ?? [];
  const timeOf = (id: string, state: BackendState) =>
    eventsOf(id)
      .find((event) => event.state === state)
      ?.time?.getTime() ?? Number.NaN;

  it('makes them READY in the order of the calls, give or take the places', async () => {
    const ids = await placeMany();
    await Promise.all(ids.map((id) => world.reaches(id, READY)));
    const order = ids.toSorted((one, other) => timeOf(one, READY) - timeOf(other, READY));
    const moves = order.map((id, at) => Math.abs(at - ids.indexOf(id)));
    expect(Math.max(...moves)).toBeLessThanOrEqual(AT_ONCE);
    const begun = timeOf(ids[0]!, LOADING);
    const took = (id = '') => timeOf(id, READY) - begun;
    // Abreast, the first would be ready with the last.
    expect(took(order[0])).toBeLessThan(took(order.at(-1)) / 3);
    // At any moment at most so many are between their admission and READY.
    const atOnce = ids.map(
      (id) =>
        ids.filter(
          (other) =>
            timeOf(other, STARTING) <= timeOf(id, STARTING) && timeOf(other, READY) > timeOf(id, STARTING),
        ).length,
    );
    expect(Math.max(...atOnce)).toBeLessThanOrEqual(AT_ONCE);
  });

  it('ends those that are stopped in the queue without starting them, and starts the others', async () => {
    const ids = await placeMany();
    const [cancelled, kept] = [ids.slice(10), ids.slice(0, 10)];
    await Promise.all(cancelled.map((id) => world.stop(id)));
    for (const id of cancelled) {
      const status = await world.reaches(id, TERMINATED);
      expect(status.endReason).toBe(EndReason.REQUESTED);
      expect(statesOf(status)).not.toContain(STARTING);
    }
    await Promise.all(kept.map((id) => world.reaches(id, READY)));
  });

  it('continues with all of them if it is killed in between', async () => {
    const ids = await placeMany();
    await eventually(() => ids.filter((id) => eventsOf(id).at(-1)?.state === READY).length >= 3);
    await world.crash();
    await world.restart();
    for (const id of ids) {
      const status = await world.reaches(id, READY);
      expect(statesOf(status).filter((state) => state === STARTING)).toHaveLength(1);
    }
  });
});
