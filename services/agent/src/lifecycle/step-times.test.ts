import { BackendSpec, BackendState } from '@spawner/proto/v1/backend';
import { newLife, termsOf } from './life.ts';
import { type LifeEvent, step } from './life-machine.ts';
import { stepsOfCreation, wholeMs } from './step-times.ts';

const terms = termsOf(BackendSpec.fromPartial({ image: 'a' }));
const wall = new Date(1_700_000_000_000);

/** The life after these events, each at its time. */
const live = (events: readonly [number, LifeEvent][]) =>
  events.reduce((life, [now, event]) => step(life, event, { now, wall }).life, newLife('a', terms, wall));

describe('the steps of a start', () => {
  const timed: [number, LifeEvent][] = [
    [0, { type: 'begin' }],
    [5, { type: 'loaded', steps: { pullMs: 5 } }],
    [10, { type: 'admitted', steps: { queueMs: 4 } }],
    [15, { type: 'acknowledged' }],
    [
      20,
      {
        type: 'started',
        endpoints: { local: { host: '10.0.0.2', port: 8080 } },
        steps: { createMs: 2, startMs: 7 },
      },
    ],
    [30, { type: 'answered', steps: { readyMs: 9 } }],
  ];
  const firstByte = (firstByteMs: number): LifeEvent => ({ type: 'first_byte', steps: { firstByteMs } });

  it('are kept in the status with their times, until the end', () => {
    const life = live([...timed, [50, { type: 'exited' }], [60, { type: 'gone', lastLogs: [] }]]);
    expect(life.status.steps).toEqual({ pullMs: 5, queueMs: 4, createMs: 2, startMs: 7, readyMs: 9 });
  });

  it('end with the first byte, which is reported under a revision of its own and is no state', () => {
    const life = live([...timed, [40, firstByte(3)], [41, firstByte(8)]]);
    expect(life.status).toMatchObject({
      state: BackendState.READY,
      revision: 6,
      steps: { readyMs: 9, firstByteMs: 3 },
    });
    expect(life.status.events.map(({ revision }) => revision)).toEqual([1, 2, 3, 4, 5]);
  });

  it('take no first byte before READY', () => {
    const life = live([...timed.slice(0, -1), [25, firstByte(3)]]);
    expect(life.status).toMatchObject({ revision: 4 });
    expect(life.status.steps?.firstByteMs).toBeUndefined();
  });
});

it('the network is a step of its own if the runtime says so', () => {
  expect(stepsOfCreation(12.2, undefined)).toEqual({ createMs: 12 });
  expect(stepsOfCreation(12.2, 1.9)).toEqual({ sandboxMs: 2, createMs: 10 });
});

it('a time is a whole number of milliseconds, and never negative', () => {
  expect([-0.4, 0.4, 1.5].map(wholeMs)).toEqual([0, 0, 2]);
});
