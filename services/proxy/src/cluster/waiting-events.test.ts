import { QueuePositions } from '@spawner/bus';
import { RouteState } from '@spawner/proto/internal/route';
import type { BackendChanged } from '@spawner/proto/internal/telemetry';
import { Backend, BackendState, PullProgress } from '@spawner/proto/v1/backend';
import { newRoute, type Route } from '@spawner/store';
import { crankedClock } from '@spawner/testkit';
import { StateEvents } from './waiting-events.ts';

const STATE = (name: string) => `event: state\ndata: ${name}\n\n`;
const OVER = 'event: over\ndata: \n\n';

/** Backend `a` is being started; hints from the bus come when a test says so. */
function scene() {
  const clock = crankedClock();
  const table = new Map<string, Route>();
  const hearing = new Map<string, (message: BackendChanged) => void>();
  const bus = {
    subscribe: <T>(
      _subject: unknown,
      id: string | undefined,
      take: (message: T, trace: undefined) => void,
    ) => {
      hearing.set(id ?? '', (message) => take(message as T, undefined));
      return { established: async () => {}, close: () => void hearing.delete(id ?? '') };
    },
  };
  const queue = new QueuePositions('test', clock);
  const limits = { heldPerBackend: 2, heldTotal: 3 };
  const events = new StateEvents({ routes: table, bus, queue, clock }, limits);
  const become = (id: string, state: RouteState, backendState: BackendState) => {
    const route = newRoute({ backendId: id, state, backendState });
    table.set(id, route);
    events.routeChanged(id, route);
  };
  for (const id of ['a', 'b']) become(id, RouteState.PENDING, BackendState.LOADING);
  const hint = (state: BackendState) =>
    hearing.get('a')?.({ backend: Backend.fromPartial({ id: 'a', state }) });
  const follow = (id = 'a') => {
    const got: string[] = [];
    const leave = events.follow(id, {
      write: (text) => void got.push(text),
      end: () => void got.push('end'),
    });
    return { got, leave };
  };
  const queueIs = (...waiting: { id: string; expectedWaitMs?: number }[]) =>
    queue.take({ droneId: 'd', cluster: 'test', waiting });
  const pullIs = (progress: Partial<PullProgress>) => {
    const pull = PullProgress.fromPartial(progress);
    queue.take({ droneId: 'd', cluster: 'test', waiting: [], pulling: [{ id: 'a', pull }] });
  };
  return { clock, table, hearing, events, become, hint, follow, queueIs, pullIs };
}

describe('the states that waiting pages follow', () => {
  it('begin with the present state, continue with hints from the bus, and end with the route', () => {
    const { follow, hint, become } = scene();
    const { got } = follow();
    expect(got).toEqual([`retry: 500\n${STATE('LOADING')}`]);
    hint(BackendState.STARTING);
    become('a', RouteState.PENDING, BackendState.WAITING);
    hint(BackendState.STARTING);
    hint(BackendState.READY);
    become('a', RouteState.OPEN, BackendState.READY);
    expect(got.slice(1)).toEqual([STATE('STARTING'), STATE('WAITING'), OVER, 'end']);
  });

  it('have the progress of the pull, in whole percents', () => {
    const { follow, pullIs } = scene();
    const words = (text: string) => `event: queue\ndata: ${text}\n\n`;
    const { got } = follow();
    got.splice(0);
    pullIs({ layers: 0 });
    pullIs({ layers: 4, layersDone: 1 });
    pullIs({ layers: 4, layersDone: 1, bytes: 1_000, bytesDone: 501 });
    pullIs({ layers: 4, layersDone: 1, bytes: 1_000, bytesDone: 509 });
    expect(got).toEqual([
      words('Fetching the program: 1 of 4 parts.'),
      words('Fetching the program: 1 of 4 parts. 50 % of the download has arrived.'),
    ]);
  });

  it('have the place in the queue, when it changes, until the start', () => {
    const { follow, hint, queueIs } = scene();
    const queue = (words: string) => `event: queue\ndata: ${words}\n\n`;
    queueIs({ id: 'b' }, { id: 'a', expectedWaitMs: 4_200 });
    const { got } = follow();
    expect(got.splice(0)).toEqual([
      `retry: 500\n${STATE('LOADING')}${queue('Number 2 in the queue. About 5 s are left.')}`,
    ]);
    queueIs({ id: 'b' }, { id: 'a', expectedWaitMs: 4_100 });
    queueIs({ id: 'a' });
    queueIs({ id: 'a' });
    queueIs();
    expect(got.splice(0)).toEqual([queue('Number 1 in the queue.'), STATE('LOADING')]);
    queueIs({ id: 'a' });
    hint(BackendState.STARTING);
    queueIs({ id: 'a', expectedWaitMs: 1 });
    expect(got).toEqual([queue('Number 1 in the queue.'), STATE('STARTING')]);
    expect(follow().got).toEqual([`retry: 500\n${STATE('STARTING')}`]);
  });

  it.each([
    ['ends', RouteState.ENDED],
    ['is suspended', RouteState.SUSPENDED],
  ])('are over when the route %s', (_what, state) => {
    const { follow, become } = scene();
    const { got } = follow();
    become('a', state, BackendState.TERMINATED);
    expect(got.slice(1)).toEqual([OVER, 'end']);
  });

  it('are over at once where they were over before', () => {
    const { follow, become, hearing } = scene();
    become('a', RouteState.OPEN, BackendState.READY);
    expect(follow().got).toEqual([OVER, 'end']);
    expect(hearing.size).toBe(0);
  });

  it('end when the route disappears, and wait for one that is still unknown', () => {
    const { follow, events, become } = scene();
    const unheard = follow('new');
    expect(unheard.got).toEqual([`retry: 500\n${STATE('SCHEDULED')}`]);
    become('new', RouteState.PENDING, BackendState.LOADING);
    events.routeChanged('new', undefined);
    expect(unheard.got.slice(1)).toEqual([STATE('LOADING'), OVER, 'end']);
  });

  it('have so much room per backend and in all, which is given back', () => {
    const { follow, events } = scene();
    const [first] = [follow(), follow()];
    expect([events.hasRoom('a'), events.hasRoom('b')]).toEqual([false, true]);
    follow('b');
    expect(events.hasRoom('b')).toBe(false);
    first?.leave();
    first?.leave();
    expect([events.total, events.hasRoom('a'), events.hasRoom('b')]).toEqual([2, true, true]);
  });

  it('end after a minute, so that the page asks again', async () => {
    const { follow, events, clock, hearing } = scene();
    const { got } = follow();
    await clock.advance(59_999);
    expect(got).toHaveLength(1);
    await clock.advance(1);
    expect(got.slice(1)).toEqual(['end']);
    expect([events.total, hearing.size]).toEqual([0, 0]);
  });

  it('leave nothing behind: no subscription, no timer', () => {
    const { follow, events, clock, hearing } = scene();
    const streams = [follow(), follow()];
    expect(hearing.size).toBe(1);
    for (const { leave } of streams) leave();
    expect([events.total, hearing.size, clock.sleeping]).toEqual([0, 0, 0]);
  });

  it('end, without being over, when the proxy goes away', () => {
    const { follow, events } = scene();
    const { got } = follow();
    events.close();
    expect(got.slice(1)).toEqual(['end']);
    expect(follow().got).toEqual(['end']);
    expect(events.hasRoom('a')).toBe(false);
  });
});
