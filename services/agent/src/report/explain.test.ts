import { BackendSpec, BackendState, EndReason } from '@spawner/proto/v1/backend';
import { ActivityKind, ClockName } from '@spawner/proto/v1/explanation';
import { reported, type Usage, unusedSince } from '../idle/usage.ts';
import { type Life, newLife, termsOf } from '../lifecycle/life.ts';
import { type LifeEvent, step } from '../lifecycle/life-machine.ts';
import { explain } from './explain.ts';

const terms = { pullTimeoutMs: 600_000, startupTimeoutMs: 60_000, idleTimeoutMs: 10_000, stopGraceMs: 5_000 };
const endpoints = { local: { host: '10.0.0.2', port: 8080 } };

/** A backend after these events, one second apart. Its start gets a place when it begins. */
function lived(events: LifeEvent[], limits: object = {}): Life {
  const spec = BackendSpec.fromPartial({ image: 'a', ...terms, ...limits });
  const born = newLife('a', termsOf(spec), new Date(0));
  return events.reduce((life, event, index) => {
    const at = { now: 1_000 * index, wall: new Date(1_000 * index) };
    const placed = event.type === 'started' ? step(life, { type: 'admitted' }, at).life : life;
    return step(placed, event, at).life;
  }, born);
}
const RISE: LifeEvent[] = [
  { type: 'begin' },
  { type: 'loaded' },
  { type: 'started', endpoints },
  { type: 'answered' },
];
const stop: LifeEvent = { type: 'stop', reason: EndReason.REQUESTED, force: false };
const said = (life: Life, usage: Usage, now: number) => explain({ life, usage, refusedEnds: [] }, now);
const running = (life: Life, usage: Usage, now: number) =>
  said(life, usage, now).clocks.map(({ name, limitMs, elapsedMs, remainingMs }) => [
    name,
    limitMs,
    elapsedMs,
    remainingMs,
  ]);

describe('the clocks of a backend', () => {
  it.each<[string, LifeEvent[], (number | undefined)[][]]>([
    ['are none before it has started', [], []],
    ['are its pull', RISE.slice(0, 1), [[ClockName.PULL, 600_000, 4_000, 596_000]]],
    ['are none while its start waits', RISE.slice(0, 2), []],
    ['are its startup', RISE.slice(0, 3), [[ClockName.STARTUP, 60_000, 2_000, 58_000]]],
    ['are its idleness', RISE, [[ClockName.IDLE, 10_000, 1_000, 9_000]]],
    ['are its grace', [...RISE, stop], [[ClockName.GRACE, 5_000, 0, 5_000]]],
    ['are none while it is removed', [...RISE, { ...stop, force: true }], []],
  ])('%s', (_, events, clocks) => {
    expect(running(lived(events), unusedSince(3_000), 4_000)).toEqual(clocks);
  });
  it('are idleness and the lifetime if it has a limit, and only the lifetime while it is in use', () => {
    const life = lived(RISE, { lifetimeLimitMs: 30_000 });
    const lifetime = [ClockName.LIFETIME, 30_000, 2_000, 28_000];
    const open = reported(unusedSince(3_000), 'p', 1, { open: 1, ageMs: 0 }, 5_000);
    expect(running(life, unusedSince(3_000), 5_000)).toEqual([
      [ClockName.IDLE, 10_000, 2_000, 8_000],
      lifetime,
    ]);
    expect(running(life, open, 5_000)).toEqual([[ClockName.IDLE, 10_000, 0, undefined], lifetime]);
  });
  it('never fall below zero', () => {
    expect(running(lived(RISE), unusedSince(3_000), 99_000)).toEqual([[ClockName.IDLE, 10_000, 96_000, 0]]);
  });
  it('exclude clocks without a limit', () => {
    expect(said(lived(RISE, { idleTimeoutMs: 0 }), unusedSince(0), 4_000).clocks).toEqual([]);
  });
});

describe('the explanation of a backend', () => {
  const heard = (): Usage => {
    const first = reported(unusedSince(3_000), 'p', 1, { open: 0, ageMs: 500 }, 6_000);
    return reported(
      first,
      'q',
      1,
      { open: 2, ageMs: 0, last: { kind: ActivityKind.UPGRADE, path: '/ws' } },
      7_000,
    );
  };
  it('has each proxy, the time of its report, and the last use', () => {
    const answer = said(lived(RISE), heard(), 8_000);
    expect(answer.activity).toMatchObject({ openConnections: 2, idleForMs: 0 });
    expect(answer.proxies).toEqual([
      { proxyId: 'p', openConnections: 0, heardAgoMs: 2_000 },
      { proxyId: 'q', openConnections: 2, heardAgoMs: 1_000 },
    ]);
    expect(answer.lastActivity).toEqual({
      proxyId: 'q',
      ageMs: 1_000,
      kind: ActivityKind.UPGRADE,
      path: '/ws',
    });
  });
  it('keeps the last use if an older one is reported later', () => {
    const usage = reported(heard(), 'p', 1, { open: 0, ageMs: 5_000 }, 8_000);
    expect(said(lived(RISE), usage, 8_000).lastActivity).toEqual({
      proxyId: 'q',
      ageMs: 1_000,
      kind: ActivityKind.UPGRADE,
      path: '/ws',
    });
  });
  it('has no activity before it is ready, and no unreported use', () => {
    const answer = said(lived(RISE.slice(0, 3)), unusedSince(0), 4_000);
    expect([answer.activity, answer.lastActivity]).toEqual([undefined, undefined]);
  });
  it('has its place in the queue while it waits there', () => {
    const life = lived(RISE.slice(0, 2));
    const order = [{ id: 'b' }, { id: 'a', expectedWaitMs: 4_000 }];
    const answer = explain({ life, usage: unusedSince(0), refusedEnds: [] }, 0, order);
    expect([answer.queuePosition, answer.expectedWaitMs]).toEqual([2, 4_000]);
    expect(said(life, unusedSince(0), 0).queuePosition).toBeUndefined();
  });
  it('has the reason of an end that has begun', () => {
    const life = lived([...RISE, stop]);
    expect(life.status.state).toBe(BackendState.TERMINATING);
    expect(said(life, unusedSince(0), 4_000).endReason).toBe(EndReason.REQUESTED);
  });
});
