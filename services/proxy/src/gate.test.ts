import { Route, RouteState } from '@spawner/proto/internal/route';
import { BackendState, EndReason } from '@spawner/proto/v1/backend';
import { crankedClock } from '@spawner/testkit';
import { Gate, type GateRequest } from './gate.ts';
import { Holds } from './hold.ts';

const local = { host: '127.0.0.1', port: 1 };
const states: Record<string, Partial<Route>> = {
  starting: { state: RouteState.PENDING, backendState: BackendState.STARTING },
  waiting: { state: RouteState.PENDING, backendState: BackendState.WAITING },
  ready: { state: RouteState.OPEN, backendState: BackendState.READY, local },
  ended: { state: RouteState.ENDED, endReason: EndReason.FAILED },
};

function gate() {
  const clock = crankedClock();
  const routes = new Map<string, Route>();
  const room = new Holds(clock, { perBackend: 1, total: 10 });
  const options = { ownDroneId: 'drone-1', holdTimeoutMs: 30_000 };
  const made = new Gate(routes, room, clock, options);
  const become = (name: string) => {
    routes.set('a', Route.fromPartial({ backendId: 'a', droneId: 'drone-1', ...states[name] }));
    made.routeChanged('a');
  };
  become('starting');
  const pass = (request: Partial<GateRequest> = {}) =>
    made.pass(
      { backendId: 'a', navigation: false, patienceMs: undefined, ...request },
      new AbortController().signal,
    );
  return { clock, room, become, pass };
}

describe('Gate', () => {
  it('holds through every state before ready, then forwards', async () => {
    const { clock, room, become, pass } = gate();
    const passage = pass();
    await clock.advance(5_000);
    become('waiting');
    await clock.advance(5_000);
    expect(room.total).toBe(1);
    become('ready');
    expect(await passage).toEqual({ kind: 'forward', endpoint: local, droneId: 'drone-1' });
  });

  it('tells the end of a backend that never became ready', async () => {
    const { become, pass } = gate();
    const passage = pass();
    become('ended');
    expect(await passage).toEqual({ kind: 'gone', reason: EndReason.FAILED });
  });

  it.each([
    ['a program', {}, 30_000, 'late'],
    ['a browser', { navigation: true }, 1_000, 'waiting'],
    ['one who says how long', { patienceMs: 2_000 }, 2_000, 'late'],
    ['one who says more than there is', { patienceMs: 99_000 }, 30_000, 'late'],
  ])(
    'keeps %s waiting no longer than it should, and says how far the backend is',
    async (_who, request, ms, kind) => {
      const { clock, become, pass } = gate();
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

  it('does not wait at all for one who has no patience', async () => {
    expect(await gate().pass({ patienceMs: 0 })).toEqual({ kind: 'late', state: BackendState.STARTING });
  });

  it('says so where no place is free', async () => {
    const { pass, become } = gate();
    const first = pass();
    expect(await pass()).toEqual({ kind: 'full' });
    become('ready');
    await first;
  });
});
