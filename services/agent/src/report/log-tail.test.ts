import { systemClock } from '@spawner/domain';
import { BackendState } from '@spawner/proto/v1/backend';
import type { Backend } from '../lifecycle/backend.ts';
import type { Drone } from '../lifecycle/drone.ts';
import { linesOf } from './log-tail.ts';

const { STARTING, READY, TERMINATED } = BackendState;
const { signal } = new AbortController();

/** A backend whose state the test changes, and its log lines. */
function scene(state: BackendState, startedAt?: number) {
  const backend = { id: 'a', life: { status: { state, lastLogs: [] as string[] }, startedAt } };
  const drone = {
    runtime: {
      async *logs() {
        yield { stream: 1, text: 'live' };
      },
    },
  };
  const said = async (options: { follow: boolean; tailLines?: number }) => {
    const texts: string[] = [];
    const lines = linesOf(
      drone as unknown as Drone,
      backend as unknown as Backend,
      { ...options, signal },
      systemClock,
    );
    for await (const { text } of lines) texts.push(text);
    return texts;
  };
  const end = () =>
    Object.assign(backend.life.status, { state: TERMINATED, lastLogs: ['one', 'two', 'three'] });
  return { said, end };
}

describe('the log lines of a backend', () => {
  it('are its last lines if it ended at once and was followed before its start', async () => {
    const { said, end } = scene(STARTING);
    const following = said({ follow: true });
    end();
    expect(await following).toEqual(['one', 'two', 'three']);
  });

  it("are the program's lines while it runs, and none before", async () => {
    expect(await scene(READY, 1).said({ follow: true })).toEqual(['live']);
    expect(await scene(STARTING).said({ follow: false })).toEqual([]);
  });

  it.each([
    [undefined, ['one', 'two', 'three']],
    [2, ['two', 'three']],
    [0, []],
    [9, ['one', 'two', 'three']],
  ])('are the requested number of its last lines after its end: %s', async (tailLines, texts) => {
    const { said, end } = scene(READY, 1);
    end();
    expect(await said({ follow: false, ...(tailLines === undefined ? {} : { tailLines }) })).toEqual(texts);
  });
});
