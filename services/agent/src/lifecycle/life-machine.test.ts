import { BackendSpec, BackendState, EndReason } from '@spawner/proto/v1/backend';
import type { Condition } from '../runtime/runtime.ts';
import { afterReboot, hasEnded, isRunning, type Life, newLife, termsOf } from './life.ts';
import { type Effect, type LifeEvent, resume, step } from './life-machine.ts';

const { SCHEDULED, LOADING, STARTING, WAITING, READY, TERMINATING, TERMINATED } = BackendState;

const terms = termsOf(
  BackendSpec.fromPartial({
    image: 'a',
    pullTimeoutMs: 1_000,
    startupTimeoutMs: 2_000,
    lifetimeLimitMs: 3_000,
    stopGraceMs: 400,
  }),
);
const wall = (now: number) => new Date(1_700_000_000_000 + now);
const local = { host: '10.0.0.2', port: 8080 };
const begin: LifeEvent = { type: 'begin' };
const loaded: LifeEvent = { type: 'loaded' };
const admitted: LifeEvent = { type: 'admitted' };
const acknowledged: LifeEvent = { type: 'acknowledged' };
const started: LifeEvent = { type: 'started', endpoints: { local } };
const answered: LifeEvent = { type: 'answered' };
const tick: LifeEvent = { type: 'tick' };
const gone: LifeEvent = { type: 'gone', lastLogs: ['bye'] };
const killed: LifeEvent = { type: 'gone', lastLogs: ['bye'], killed: true };
const exited = (code: number): LifeEvent => ({ type: 'exited', exit: { code, outOfMemory: false } });
const stop = (reason: EndReason = EndReason.REQUESTED, force = false): LifeEvent => ({
  type: 'stop',
  reason,
  force,
});

/** Applies events, each at its time, and returns the last life with all effects. */
function live(events: [number, LifeEvent][], life = newLife('a', terms, wall(0))) {
  const effects: Effect[] = [];
  for (const [now, event] of events) {
    const next = step(life, event, { now, wall: wall(now) });
    life = next.life;
    effects.push(...next.effects);
  }
  return { life, effects, states: life.status.events.map(({ state }) => state) };
}

const toLoading: [number, LifeEvent][] = [[0, begin]];
const toQueued: [number, LifeEvent][] = [...toLoading, [5, loaded]];
const toCreated: [number, LifeEvent][] = [...toQueued, [10, admitted]];
const toStarting: [number, LifeEvent][] = [...toCreated, [15, acknowledged]];
const toWaiting: [number, LifeEvent][] = [...toStarting, [20, started]];
const toReady: [number, LifeEvent][] = [...toWaiting, [30, answered]];

describe('a life that goes well', () => {
  it('passes through every state once, with a revision and a time for each', () => {
    const { life, effects, states } = live([...toReady, [40, stop()], [50, exited(0)], [60, gone]]);
    expect(states).toEqual([SCHEDULED, LOADING, STARTING, WAITING, READY, TERMINATING, TERMINATED]);
    expect(life.status.events.map(({ revision }) => revision)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(life.status.events.map(({ time }) => time)).toEqual([0, 0, 10, 20, 30, 40, 60].map(wall));
    expect(effects.join(' ')).toBe('pull queue create start probe abort signal abort remove');
    expect(life.status).toMatchObject({
      revision: 7,
      local,
      readyTime: wall(30),
      endTime: wall(60),
      endReason: EndReason.REQUESTED,
      exitCode: 0,
    });
  });

  it('stops the pull clock with the image, and starts the startup clock at the start and the lifetime clock at READY', () => {
    const { life } = live(toReady);
    expect(life).toMatchObject({ loadingAt: undefined, startedAt: 20, readyAt: 30 });
  });
});

describe('an end without an order', () => {
  it('keeps a bounded part of its last lines', () => {
    const lastLogs = Array.from({ length: 20 }, () => 'x'.repeat(65_536));
    const { life } = live([...toReady, [40, exited(1)], [50, { type: 'gone', lastLogs }]]);
    expect(life.status.lastLogs.length).toBeGreaterThan(0);
    expect(life.status.lastLogs.join('').length).toBeLessThanOrEqual(8 * 1024);
  });

  const table: [string, [number, LifeEvent][], Partial<Life['status']>][] = [
    [
      'no image',
      [...toLoading, [5, { type: 'load_failed', detail: 'no such image' }]],
      { endReason: EndReason.LOAD_ERROR, endDetail: 'no such image' },
    ],
    [
      'a pull without end',
      [...toLoading, [999, tick], [1_000, tick]],
      {
        endReason: EndReason.LOAD_ERROR,
        endDetail: 'the image was not present within 1000 ms',
      },
    ],
    [
      'a start that fails',
      [...toStarting, [20, { type: 'start_failed', detail: 'no such command' }]],
      { endReason: EndReason.START_ERROR, endDetail: 'no such command' },
    ],
    [
      'an exit before it is ready',
      [...toWaiting, [25, exited(0)]],
      { endReason: EndReason.START_ERROR, exitCode: 0 },
    ],
    [
      'an exit that is noticed before its start',
      [...toStarting, [15, exited(3)], [20, started]],
      { endReason: EndReason.START_ERROR, exitCode: 3 },
    ],
    [
      'no answer',
      [...toWaiting, [2_019, tick], [2_020, tick], [2_030, exited(143)]],
      { endReason: EndReason.STARTUP_TIMEOUT, exitCode: 143 },
    ],
    ['exit code 0', [...toReady, [40, exited(0)]], { endReason: EndReason.EXITED, exitCode: 0 }],
    ['another exit code', [...toReady, [40, exited(9)]], { endReason: EndReason.FAILED, exitCode: 9 }],
    [
      'too much memory',
      [...toReady, [40, { type: 'exited', exit: { code: 137, outOfMemory: true } }]],
      {
        endReason: EndReason.FAILED,
        exitCode: 137,
        outOfMemory: true,
      },
    ],
    [
      'its container gone',
      [...toReady, [40, { type: 'exited' }]],
      { endReason: EndReason.FAILED, endDetail: 'its container was removed from outside' },
    ],
    [
      'its lifetime',
      [...toReady, [3_029, tick], [3_030, tick], [3_040, exited(0)]],
      { endReason: EndReason.LIFETIME },
    ],
    [
      'a fault',
      [...toStarting, [20, { type: 'fault', detail: 'internal error 7' }]],
      { endReason: EndReason.INTERNAL, endDetail: 'internal error 7' },
    ],
  ];

  it.each(table)('%s', (_, events, expected) => {
    const { life, effects } = live([...events, [9_000, gone]]);
    expect(life.status).toMatchObject({ ...expected, state: TERMINATED });
    expect(effects.filter((effect) => effect === 'remove')).toHaveLength(1);
  });

  it.each<[string, [number, LifeEvent][], string, number]>([
    [
      'stops in time',
      [
        [60, exited(0)],
        [70, gone],
      ],
      '',
      0,
    ],
    [
      'does not stop',
      [
        [450, tick],
        [460, killed],
      ],
      'its program did not stop within its grace of 400 ms and was killed',
      137,
    ],
    [
      'gets no time to stop',
      [
        [60, stop(EndReason.REQUESTED, true)],
        [61, killed],
      ],
      'its program was killed at once',
      137,
    ],
  ])('tells of a program that %s', (_, events, endDetail, exitCode) => {
    const { status } = live([...toReady, [50, stop()], ...events]).life;
    expect(status).toMatchObject({ state: TERMINATED, endDetail, exitCode, lastLogs: ['bye'] });
  });

  it('keeps the cause of an end beside the death of its program', () => {
    const { status } = live([...toWaiting, [2_020, tick], [2_420, tick], [2_430, killed]]).life;
    expect(status.endDetail).toBe(
      'no answer within 2000 ms of the start; its program did not stop within its grace of 400 ms and was killed',
    );
  });
});

describe('a stop', () => {
  it.each<[string, [number, LifeEvent][], Effect[]]>([
    ['before it has started', [], ['abort', 'remove']],
    ['during the pull', toLoading, ['abort', 'remove']],
    ['in the start queue', toQueued, ['abort', 'remove']],
    ['during the start', toStarting, ['abort', 'signal']],
    ['while it is probed', toWaiting, ['abort', 'signal']],
    ['when it is ready', toReady, ['abort', 'signal']],
  ])('%s leads to TERMINATING, and to the end with its own reason', (_, before, expected) => {
    const { life } = live(before);
    const { life: stopping, effects } = live([[100, stop(EndReason.DRAINED)]], life);
    // The edge shows the reason from the first moment.
    expect(stopping.status).toMatchObject({ state: TERMINATING, endReason: EndReason.DRAINED });
    expect(effects).toEqual(expected);
    const late = live(
      [
        [110, loaded],
        [115, admitted],
        [120, started],
        [130, answered],
        [140, exited(1)],
        [150, gone],
      ],
      stopping,
    );
    expect(late.life.status).toMatchObject({ state: TERMINATED, endReason: EndReason.DRAINED });
  });

  it('removes at once if it is forced, even during its grace', () => {
    expect(live([[100, stop(EndReason.REQUESTED, true)]], live(toReady).life).effects).toEqual([
      'abort',
      'remove',
    ]);
    const { life } = live([...toReady, [100, stop()]]);
    const { effects, life: forced } = live(
      [
        [110, stop(EndReason.DRAINED, true)],
        [120, tick],
      ],
      life,
    );
    expect(effects).toEqual(['abort', 'remove']);
    expect(forced.ending?.reason).toBe(EndReason.REQUESTED);
  });

  it('kills when the grace is over, not before, and once', () => {
    const { life } = live([...toReady, [100, stop()]]);
    expect(live([[499, tick]], life).effects).toEqual([]);
    expect(
      live(
        [
          [500, tick],
          [600, tick],
          [700, exited(137)],
        ],
        life,
      ).effects,
    ).toEqual(['remove']);
  });

  it('during the start watches for the exit of a program that runs by then', () => {
    const { life, effects } = live([...toStarting, [20, stop()], [25, started]]);
    expect([isRunning(life), life.status.state]).toEqual([true, TERMINATING]);
    expect(effects).toEqual(['pull', 'queue', 'create', 'start', 'abort', 'signal']);
  });

  it('before an acknowledgement has no program to signal, and starts nothing afterwards', () => {
    const { life, effects } = live([...toCreated, [20, stop()], [21, acknowledged], [30, gone]]);
    expect(effects).toEqual(['pull', 'queue', 'create', 'abort', 'remove']);
    expect(life.status).toMatchObject({ state: TERMINATED, endReason: EndReason.REQUESTED });
  });

  it('repeated changes nothing', () => {
    const { life } = live([...toReady, [100, stop()]]);
    expect(live([[110, stop(EndReason.DRAINED)]], life)).toMatchObject({ life, effects: [] });
  });
});

describe('a start', () => {
  it('waits for its place in LOADING, on no clock', () => {
    const { life, effects } = live([...toQueued, [999_999, tick]]);
    expect([life.status.state, life.status.revision, effects]).toEqual([LOADING, 2, ['pull', 'queue']]);
  });

  it.each<[string, [number, LifeEvent][]]>([
    ['after its creation', [...toCreated, [15, acknowledged]]],
    ['before its creation', [...toQueued, [7, acknowledged], [10, admitted]]],
    ['before its image', [...toLoading, [3, acknowledged], [5, loaded], [10, admitted]]],
  ])('waits until the scheduler has acknowledged the backend: %s', (_, events) => {
    expect(live(toCreated).effects).toEqual(['pull', 'queue', 'create']);
    expect(live([...events, [16, acknowledged]]).effects).toEqual(['pull', 'queue', 'create', 'start']);
  });
});

describe('an event that comes too late or too early', () => {
  it.each<[string, [number, LifeEvent][], LifeEvent]>([
    ['an image for a ready backend', toReady, loaded],
    ['a second image', toQueued, loaded],
    ['a place before the image', toLoading, admitted],
    ['a place for a start that has begun', toStarting, admitted],
    ['a second start', toReady, started],
    ['a second answer', toReady, answered],
    ['an exit before a start', toLoading, exited(1)],
    ['a missing container while it is being created', toStarting, { type: 'exited' }],
    ['a second acknowledgement', toReady, acknowledged],
    ['a tick with time left', toWaiting, tick],
  ])('%s changes nothing', (_, before, event) => {
    const { life } = live(before);
    expect(live([[50, event]], life)).toMatchObject({ life, effects: [] });
  });

  it('changes nothing after the end', () => {
    const { life } = live([...toReady, [40, exited(0)], [50, gone]]);
    for (const late of [begin, loaded, admitted, started, answered, exited(2), stop(), tick, gone])
      expect(step(life, late, { now: 60, wall: wall(60) })).toEqual({ life, effects: [] });
    expect(hasEnded(life)).toBe(true);
  });

  it('keeps two lives apart', () => {
    const one = live(toReady, newLife('one', terms, wall(0))).life;
    const two = live(toWaiting, newLife('two', terms, wall(0))).life;
    const ended = live(
      [
        [40, exited(0)],
        [50, gone],
      ],
      one,
    ).life;
    expect(ended.status).toMatchObject({ id: 'one', state: TERMINATED });
    expect(two.status).toMatchObject({ id: 'two', state: WAITING, lastLogs: [] });
  });
});

describe('a restart of the agent', () => {
  const running: Condition = { is: 'running', endpoints: { local } };
  const over: Condition = { is: 'exited', exit: { code: 5, outOfMemory: false } };
  const absent: Condition = { is: 'absent' };

  it.each<[string, [number, LifeEvent][], Condition, Effect[], BackendState, EndReason | undefined]>([
    ['starts a backend that had not started', [], absent, ['pull'], LOADING, undefined],
    ['pulls again', toLoading, absent, ['pull'], LOADING, undefined],
    ['waits for a place again', toQueued, absent, ['queue'], LOADING, undefined],
    ['waits and creates again', toCreated, absent, ['queue', 'create'], STARTING, undefined],
    ['creates and starts again', toStarting, absent, ['queue', 'create', 'start'], STARTING, undefined],
    [
      'adopts a program that runs though the journal is behind',
      toLoading,
      running,
      ['probe'],
      WAITING,
      undefined,
    ],
    [
      'ends a backend whose program ran though the journal is behind',
      [],
      over,
      ['abort', 'remove'],
      STARTING,
      EndReason.START_ERROR,
    ],
    ['adopts a program that had just started', toStarting, running, ['probe'], WAITING, undefined],
    [
      'ends a backend whose program has started and ended',
      toStarting,
      over,
      ['abort', 'remove'],
      STARTING,
      EndReason.START_ERROR,
    ],
    ['continues to probe', toWaiting, running, ['probe'], WAITING, undefined],
    ['continues', toReady, running, [], READY, undefined],
    ['notices an exit', toReady, over, ['abort', 'remove'], READY, EndReason.FAILED],
    ['notices a removal', toReady, absent, ['abort', 'remove'], READY, EndReason.FAILED],
    ['continues a stop', [...toReady, [40, stop()]], running, ['signal'], TERMINATING, EndReason.REQUESTED],
    ['continues a removal', [...toReady, [40, exited(0)]], over, ['remove'], READY, EndReason.EXITED],
    [
      'leaves an ended backend alone',
      [...toReady, [40, exited(0)], [50, gone]],
      absent,
      [],
      TERMINATED,
      EndReason.EXITED,
    ],
  ])('%s', (_, before, condition, effects, state, reason) => {
    const next = resume(live(before).life, condition, { now: 100, wall: wall(100) });
    expect(next.effects).toEqual(effects);
    expect(next.life.status.state).toBe(state);
    expect(next.life.ending?.reason).toBe(reason);
  });

  it('restarts the running clocks after a reboot, and no others', () => {
    expect(afterReboot(live(toLoading).life, 5)).toMatchObject({ loadingAt: 5, startedAt: undefined });
    expect(afterReboot(live(toWaiting).life, 5)).toMatchObject({ startedAt: 5, readyAt: undefined });
  });
});
