import { RouteState } from '@spawner/proto/internal/route';
import { BackendState, EndReason } from '@spawner/proto/v1/backend';
import { newRoute, type Route } from '@spawner/store';
import { edgeAnswer } from './route-decision.ts';

const local = { host: '172.20.0.2', port: 8080 };
const network = { host: '10.0.0.4', port: 32001 };
const route = (fields: Partial<Route>) => newRoute({ droneId: 'drone-1', ...fields });

describe('edgeAnswer', () => {
  it('knows nothing of a host without a route, or with a route that says nothing', () => {
    expect(edgeAnswer(undefined, 'drone-1')).toEqual({ kind: 'unknown' });
    expect(edgeAnswer(route({ local }), 'drone-1')).toEqual({ kind: 'unknown' });
  });

  it('holds what is not ready and tells what has ended', () => {
    const pending = route({ state: RouteState.PENDING, backendState: BackendState.LOADING, local });
    expect(edgeAnswer(pending, 'drone-1')).toEqual({ kind: 'hold', state: BackendState.LOADING });
    const suspended = route({
      state: RouteState.SUSPENDED,
      backendState: BackendState.READY,
      local,
      epoch: 9,
    });
    const hold = { kind: 'hold', state: BackendState.READY, suspension: { epoch: 9 } };
    expect(edgeAnswer(suspended, 'drone-1')).toEqual(hold);
    const ended = route({ state: RouteState.ENDED, endReason: EndReason.IDLE, local, network });
    expect(edgeAnswer(ended, 'drone-1')).toEqual({ kind: 'gone', reason: EndReason.IDLE });
  });

  it.each([
    ['the local address on its own drone', 'drone-1', { local, network }, local],
    ['the network address of another drone', 'drone-2', { local, network }, network],
    ['the network address where it is on no drone', '', { local, network }, network],
    ['the network address on its own drone where there is no local one', 'drone-1', { network }, network],
  ])('forwards to %s', (_what, own, endpoints, expected) => {
    const open = route({ state: RouteState.OPEN, ...endpoints });
    expect(edgeAnswer(open, own)).toEqual({ kind: 'forward', endpoint: expected, droneId: 'drone-1' });
  });

  it('never takes the local address of another drone, even of one without a name', () => {
    expect(edgeAnswer(route({ state: RouteState.OPEN, local }), 'drone-2')).toEqual({ kind: 'unreachable' });
    const nameless = route({ state: RouteState.OPEN, local, droneId: '' });
    expect(edgeAnswer(nameless, '')).toEqual({ kind: 'unreachable' });
  });
});
