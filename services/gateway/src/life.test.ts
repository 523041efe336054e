import { Backend, BackendState, EndReason } from '@spawner/proto/v1/backend';
import { unseen } from './life.ts';

const { SCHEDULED, LOADING, STARTING, READY, TERMINATING, TERMINATED } = BackendState;
const ended = Backend.fromPartial({
  state: TERMINATED,
  revision: 6,
  endReason: EndReason.FAILED,
  exitCode: 1,
  lastLogs: ['x'],
  readyTime: new Date(4),
  endTime: new Date(6),
  events: [SCHEDULED, LOADING, STARTING, READY, TERMINATED].map((state, index) => ({
    state,
    revision: [1, 2, 3, 4, 6][index],
    time: new Date(index),
  })),
});
const stepsAfter = (revision: number) => unseen(ended, revision).map((step) => [step.state, step.revision]);

describe('unseen', () => {
  it('gives every step to who has seen nothing', () => {
    expect(stepsAfter(0)).toEqual([
      [SCHEDULED, 1],
      [LOADING, 2],
      [STARTING, 3],
      [READY, 4],
      [TERMINATED, 6],
    ]);
  });
  it('gives only what came after the revision seen', () => {
    expect(stepsAfter(3)).toEqual([
      [READY, 4],
      [TERMINATED, 6],
    ]);
    expect(stepsAfter(6)).toEqual([]);
  });
  it('tells of the end only in the newest', () => {
    const [loading, ready, last] = [2, 4, 6].map((revision) =>
      unseen(ended, 0).find((step) => step.revision === revision),
    );
    expect(loading).toMatchObject({ endReason: EndReason.UNSPECIFIED, readyTime: undefined, lastLogs: [] });
    expect(ready).toMatchObject({ endTime: undefined, exitCode: undefined, readyTime: new Date(4) });
    expect(ready?.events.map(({ revision }) => revision)).toEqual([1, 2, 3, 4]);
    expect(last).toBe(ended);
  });
  it('tells the reason from the beginning of the end', () => {
    const ending = { state: TERMINATING, revision: 5, time: new Date(5) };
    const [step] = unseen({ ...ended, events: [...ended.events, ending] }, 4);
    expect(step).toMatchObject({ state: TERMINATING, endReason: EndReason.FAILED, endTime: undefined });
  });
  it('gives a record that changed within its state once', () => {
    const record = { ...ended, state: READY, revision: 5 };
    expect(unseen(record, 4)).toEqual([record]);
  });
});
