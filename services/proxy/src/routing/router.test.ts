import { DEADLINES } from '@spawner/domain';
import { RouteState } from '@spawner/proto/internal/route';
import { SettleOutcome } from '@spawner/proto/internal/scheduler_service';
import { Access, BackendState, EndReason } from '@spawner/proto/v1/backend';
import { createLog } from '@spawner/service';
import type { Confirmation } from '@spawner/store';
import { newRoute, type Route } from '@spawner/store';
import { crankedClock, eventually } from '@spawner/testkit';
import { TIMEOUTS } from '../timeouts.ts';
import { ActiveRequests } from './active-requests.ts';
import { HoldQueue } from './hold-queue.ts';
import { type RouteOptions, Router } from './router.ts';
import { SuspendedRoutes, type SuspensionParts } from './suspended-routes.ts';

const local = { host: '127.0.0.1', port: 1 };
const states: Record<string, Partial<Route>> = {
  scheduled: { state: RouteState.PENDING, backendState: BackendState.SCHEDULED },
  loading: { state: RouteState.PENDING, backendState: BackendState.LOADING },
  starting: { state: RouteState.PENDING, backendState: BackendState.STARTING },
  waiting: { state: RouteState.PENDING, backendState: BackendState.WAITING },
  ready: { state: RouteState.OPEN, backendState: BackendState.READY, local },
  suspended: { state: RouteState.SUSPENDED, backendState: BackendState.READY, local },
  ended: { state: RouteState.ENDED, endReason: EndReason.FAILED },
  guardedStarting: { state: RouteState.PENDING, backendState: BackendState.STARTING, access: Access.TOKEN },
  guarded: { state: RouteState.OPEN, backendState: BackendState.READY, local, access: Access.TOKEN },
  guardedSuspended: { state: RouteState.SUSPENDED, local, access: Access.TOKEN },
  guardedEnded: { state: RouteState.ENDED, access: Access.TOKEN },
};

function scene() {
  const clock = crankedClock();
  const table = new Map<string, Route>();
  const routes = {
    get: (id: string) => table.get(id),
    said: 'absent' as Confirmation,
    confirm: async () => routes.said,
    silent: false,
    isSilent: () => routes.silent,
    ageMs: 0,
    asOf: () => clock.now() - routes.ageMs,
  };
  const room = new HoldQueue(clock, { heldPerBackend: 3, heldTotal: 10 });
  const options = { droneId: 'drone-1', holdTimeoutMs: 30_000 };
  const activity = new ActiveRequests(0);
  const settled: number[] = [];
  const store = { answer: (): Promise<SettleOutcome> => new Promise(() => {}) };
  const scheduler: SuspensionParts['scheduler'] = {
    settleRoute: async ({ epoch, end }) => {
      settled.push(end ? -epoch : epoch);
      return { outcome: await store.answer() };
    },
  };
  const log = createLog('test', 'silent');
  const suspensions = new SuspendedRoutes({ scheduler, clock, log }, (id) => room.release(id));
  // Its routes are never old: stale-routes.test.ts has those.
  const stale = { trustIn: () => 'trusted' as const, confirm: () => false };
  const made = new Router(
    { routes, holds: room, suspended: suspensions, stale, requests: activity, clock },
    options,
  );
  let last = 0;
  /** A newer route, and what its epoch is. */
  const become = (name: string, epoch = last + 1) => {
    last = epoch;
    const route = newRoute({ backendId: 'a', droneId: 'drone-1', epoch, ...states[name] });
    table.set('a', route);
    suspensions.routeChanged('a', route);
    made.routeChanged('a');
    return epoch;
  };
  become('starting');
  const pass = ({ backendId = 'a', ...options }: Partial<RouteOptions> & { backendId?: string } = {}) =>
    made.route(
      backendId,
      { navigation: false, patienceMs: undefined, ...options },
      new AbortController().signal,
    );
  return { clock, room, routes, table, router: made, become, pass, activity, suspensions, settled, store };
}

describe('Router, before a backend that wants a token', () => {
  it.each(['guardedStarting', 'guarded', 'guardedSuspended', 'guardedEnded'])(
    'holds, forwards and resumes nothing without a token (%s)',
    async (name) => {
      const { become, pass, activity, room, settled } = scene();
      become(name);
      expect(await pass()).toEqual({ kind: 'token required' });
      expect(await pass({ admitted: () => false })).toEqual({ kind: 'token required' });
      expect([activity.total, room.total, settled]).toEqual([0, 0, []]);
    },
  );

  it('forwards a request with a token, and never without a look at it', async () => {
    const { become, pass, router: made } = scene();
    become('guarded');
    expect(await pass({ admitted: () => true })).toMatchObject({ kind: 'forward', endpoint: local });
    expect(made.routeNow('a')).toBeUndefined();
    become('ready');
    expect(made.routeNow('a')).toMatchObject({ kind: 'forward' });
  });

  it('looks again after a wait: the token may have been revoked meanwhile', async () => {
    const { become, pass, room } = scene();
    become('guardedStarting');
    let good = true;
    const waits = [pass({ admitted: () => good }), pass({ admitted: () => true })];
    expect(room.total).toBe(2);
    good = false;
    become('guarded');
    expect((await Promise.all(waits)).map(({ kind }) => kind)).toEqual(['token required', 'forward']);
  });
});

describe('Router', () => {
  it('holds through every state before ready, then forwards', async () => {
    const { clock, room, become, pass } = scene();
    const passage = pass();
    await clock.advance(5_000);
    become('waiting');
    await clock.advance(5_000);
    expect(room.total).toBe(1);
    become('ready');
    expect(await passage).toMatchObject({ kind: 'forward', endpoint: local, droneId: 'drone-1' });
  });

  it('reports the end of a backend that never became ready', async () => {
    const { become, pass } = scene();
    const passage = pass();
    become('ended');
    expect(await passage).toMatchObject({ kind: 'gone', reason: EndReason.FAILED });
  });

  it.each([
    ['a program', {}, 30_000, 'late'],
    ['a browser', { navigation: true }, 1_000, 'waiting'],
    ['a client that says how long', { patienceMs: 2_000 }, 2_000, 'late'],
    ['a client that asks for more than there is', { patienceMs: 99_000 }, 30_000, 'late'],
  ])(
    'holds %s no longer than it should, and says how far the backend is',
    async (_who, request, ms, kind) => {
      const { clock, become, pass } = scene();
      const passage = pass(request);
      let settled = false;
      void passage.then(() => {
        settled = true;
      });
      become('waiting');
      await clock.advance(ms - 1);
      expect(settled).toBe(false);
      await clock.advance(1);
      expect(await passage).toEqual({ kind, state: BackendState.WAITING });
    },
  );

  it('does not hold a request without patience', async () => {
    expect(await scene().pass({ patienceMs: 0 })).toEqual({ kind: 'late', state: BackendState.STARTING });
  });

  it('says so if there is no room', async () => {
    const { pass, become } = scene();
    const first = [pass(), pass(), pass()];
    expect(await pass()).toEqual({ kind: 'full' });
    become('ready');
    await Promise.all(first);
  });
});

describe('Router, while a backend waits for its start', () => {
  /** The passage, its outcome once there is one, and when it came. */
  const watched = (scene_: ReturnType<typeof scene>, options = {}) => {
    const seen: { outcome?: unknown; at?: number } = {};
    void scene_.pass(options).then((outcome) => Object.assign(seen, { outcome, at: scene_.clock.now() }));
    return seen;
  };
  const late = (state: BackendState) => ({ kind: 'late', state });

  it('counts the hold timeout from the beginning of the start', async () => {
    const s = scene();
    s.become('scheduled');
    const seen = watched(s);
    await s.clock.advance(100_000);
    s.become('loading');
    await s.clock.advance(45_000);
    s.become('starting');
    await s.clock.advance(10_000);
    s.become('waiting');
    await s.clock.advance(19_999);
    expect([seen.outcome, s.room.total]).toEqual([undefined, 1]);
    await s.clock.advance(1);
    expect(seen).toEqual({ outcome: late(BackendState.WAITING), at: 175_000 });
  });

  it('forwards what was held for longer than the hold timeout', async () => {
    const s = scene();
    s.become('loading');
    const passage = s.pass();
    await s.clock.advance(200_000);
    s.become('ready');
    expect(await passage).toMatchObject({ kind: 'forward' });
  });

  it('holds no longer than ten minutes', async () => {
    const s = scene();
    s.become('loading');
    const seen = watched(s);
    await s.clock.advance(TIMEOUTS.queueHold - 10_000);
    s.become('starting');
    await s.clock.advance(9_999);
    expect(seen.outcome).toBeUndefined();
    await s.clock.advance(1);
    expect(seen).toEqual({ outcome: late(BackendState.STARTING), at: TIMEOUTS.queueHold });
  });

  it.each([
    ['a client that says how long', { patienceMs: 45_000 }, 45_000, 'late'],
    ['a client without patience', { patienceMs: 0 }, 0, 'late'],
    ['a browser', { navigation: true }, 1_000, 'waiting'],
  ])('holds %s no longer than it should', async (_who, options, ms, kind) => {
    const s = scene();
    s.become('loading');
    const seen = watched(s, options);
    await s.clock.advance(ms);
    expect(seen).toEqual({ outcome: { kind, state: BackendState.LOADING }, at: ms });
  });

  it.each([
    ['the drone is silent', { silent: true }],
    ['the store has not confirmed the route for as long', { ageMs: 30_000 }],
  ])('counts the hold timeout if %s', async (_, known) => {
    const s = scene();
    s.become('loading');
    Object.assign(s.routes, known);
    const seen = watched(s);
    await s.clock.advance(30_000);
    expect(seen).toEqual({ outcome: late(BackendState.LOADING), at: 30_000 });
  });
});

describe('an end for idleness', () => {
  it('holds what comes while a route is suspended, asks for it once, and forwards when it is back', async () => {
    const { become, pass, settled, store, activity } = scene();
    store.answer = async () => SettleOutcome.OPEN;
    become('ready');
    const epoch = become('suspended');
    const passages = [pass(), pass({ navigation: true })];
    await eventually(() => expect(settled).toEqual([epoch]));
    expect(activity.open('a')).toBe(0);
    become('ready');
    expect((await Promise.all(passages)).map(({ kind }) => kind)).toEqual(['forward', 'forward']);
    expect([settled, activity.open('a')]).toEqual([[epoch], 2]);
  });

  it('reports the end if the resumption came too late, even if the table is behind', async () => {
    const { become, pass, store } = scene();
    store.answer = async () => SettleOutcome.ENDED;
    become('suspended');
    expect(await pass()).toMatchObject({ kind: 'gone', reason: EndReason.IDLE });
    expect(await pass()).toMatchObject({ kind: 'gone', reason: EndReason.IDLE });
  });

  it('asks again after a while if there was no answer', async () => {
    const { clock, become, pass, settled, store } = scene();
    store.answer = async () => {
      throw new Error('away');
    };
    const epoch = become('suspended');
    const passage = pass();
    await eventually(() => clock.sleeping === 2);
    expect(settled).toEqual([epoch]);
    store.answer = async () => SettleOutcome.ENDED;
    await clock.advance(500);
    expect(await passage).toMatchObject({ kind: 'gone' });
    expect(settled).toEqual([epoch, epoch]);
  });

  it('resumes a second suspension too, even if the time between was not seen', async () => {
    const { become, pass, settled, store, room } = scene();
    store.answer = async () => SettleOutcome.OPEN;
    const first = become('suspended');
    const passage = pass();
    await eventually(() => expect(settled).toEqual([first]));
    const second = become('suspended');
    await eventually(() => expect(settled).toEqual([first, second]));
    expect(room.total).toBe(1);
    become('ready');
    expect(await passage).toMatchObject({ kind: 'forward' });
  });

  it('resumes even for a request that does not wait', async () => {
    const { become, pass, settled } = scene();
    const epoch = become('suspended');
    expect(await pass({ patienceMs: 0 })).toEqual({ kind: 'late', state: BackendState.READY });
    expect(settled).toEqual([epoch]);
  });

  it('resumes once, although agents ask about other suspensions meanwhile', async () => {
    const { become, pass, store, suspensions, settled, clock } = scene();
    store.answer = async () => SettleOutcome.OPEN;
    const epoch = become('suspended');
    for (let each = 0; each < 2; each++) {
      void pass();
      await clock.advance(100);
      suspensions.asked('b', 0);
    }
    expect(settled).toEqual([epoch]);
  });

  it('holds from the question on, before the suspension is seen, until a newer route', async () => {
    const { become, pass, suspensions, settled, activity, clock } = scene();
    become('ready', 5);
    const before = await pass();
    expect(activity.open('a')).toBe(1);
    suspensions.asked('a', 6);
    const after = pass();
    await eventually(() => expect(settled).toEqual([6]));
    become('suspended', 6);
    await clock.advance(100);
    expect(activity.open('a')).toBe(1);
    become('ready', 7);
    expect([await before, await after]).toMatchObject([{ kind: 'forward' }, { kind: 'forward' }]);
    expect([activity.open('a'), suspensions.size]).toEqual([2, 0]);
  });

  it('holds no longer for a question than until it was answered with open, or its time is up', async () => {
    const { become, pass, suspensions, store, clock } = scene();
    become('ready', 5);
    suspensions.asked('a', 6);
    const unheard = pass();
    await clock.advance(DEADLINES.suspension - 1);
    let over = false;
    void unheard.then(() => {
      over = true;
    });
    await clock.advance(0);
    expect(over).toBe(false);
    await clock.advance(1);
    expect(await unheard).toMatchObject({ kind: 'forward' });

    store.answer = async () => SettleOutcome.OPEN;
    suspensions.asked('a', 8);
    expect(await pass()).toMatchObject({ kind: 'forward' });
  });

  it('holds nothing for an older suspension, or for another backend', async () => {
    const { become, pass, suspensions } = scene();
    become('ready', 5);
    suspensions.asked('a', 4);
    suspensions.asked('b', 9);
    suspensions.asked('a', 0);
    expect(await pass()).toMatchObject({ kind: 'forward' });
  });

  it('forgets questions whose time is up', async () => {
    const { suspensions, clock } = scene();
    for (let each = 0; each < 5; each++) suspensions.asked(`b${each}`, 9);
    await clock.advance(DEADLINES.suspension);
    suspensions.asked('a', 9);
    expect(suspensions.size).toBe(1);
  });

  it('counts a request in the step that forwards it', () => {
    const { become, pass, activity } = scene();
    become('ready');
    void pass();
    expect(activity.open('a')).toBe(1);
  });

  it('calls a backend unknown only if the store has no route of it', async () => {
    const { routes, pass } = scene();
    expect(await pass({ backendId: 'b' })).toEqual({ kind: 'unknown' });
    routes.said = 'unsure';
    expect(await pass({ backendId: 'b' })).toEqual({ kind: 'unsure' });
  });

  it('holds a request for a route that the store has and the table lacks', async () => {
    const { clock, room, routes, table, become, pass } = scene();
    table.clear();
    routes.said = 'known';
    const passage = pass();
    await clock.advance(100);
    expect(room.total).toBe(1);
    become('ready');
    expect(await passage).toMatchObject({ kind: 'forward' });
  });

  it('abandons such a request at the hold timeout', async () => {
    const { clock, routes, table, pass } = scene();
    table.clear();
    routes.said = 'known';
    const passage = pass();
    await clock.advance(30_000);
    expect(await passage).toEqual({ kind: 'late', state: BackendState.SCHEDULED });
  });
});
