import { RouteState } from '@spawner/proto/internal/route';
import { SettleOutcome } from '@spawner/proto/internal/scheduler_service';
import { Access, BackendState, EndReason } from '@spawner/proto/v1/backend';
import { newRoute, type Route } from '@spawner/store';
import {
  decideRoute,
  isSameEndpoint,
  type KnownSuspension,
  type LocalKnowledge,
  type Trust,
} from './route-decision.ts';

const local = { host: '172.20.0.2', port: 8080 };
const network = { host: '10.0.0.4', port: 32001 };
const READY = BackendState.READY;
const { PENDING, OPEN, SUSPENDED, ENDED } = RouteState;

interface Known {
  droneId?: string;
  suspension?: Partial<KnownSuspension>;
  trust?: Trust;
  admitted?: boolean;
}

/** The decision about a route of epoch 5 on drone-1. */
function decide(fields: Partial<Route> | undefined, known: Known = {}) {
  const { droneId = 'drone-1', suspension, trust = 'trusted', admitted = false } = known;
  const pending = { epoch: 5, until: 100, outcome: SettleOutcome.UNSPECIFIED };
  const knowledge: LocalKnowledge = {
    droneId,
    suspensionOf: () => suspension && { ...pending, ...suspension },
    trustIn: () => trust,
  };
  const route = fields && newRoute({ droneId: 'drone-1', epoch: 5, backendState: READY, local, ...fields });
  return decideRoute(route, knowledge, admitted);
}

const forward = { kind: 'forward', ownPort: 8080, droneId: 'drone-1', confirmAgain: false };

describe('decideRoute', () => {
  it('does not know a host without a route, or with a route that says nothing', () => {
    expect(decide(undefined)).toEqual({ kind: 'unknown' });
    expect(decide({})).toEqual({ kind: 'unknown' });
  });

  it('wants a token first, if the backend does', () => {
    for (const state of [PENDING, OPEN, SUSPENDED, ENDED]) {
      expect(decide({ state, access: Access.TOKEN })).toEqual({ kind: 'token required' });
      expect(decide({ state, access: Access.TOKEN }, { admitted: true })).not.toEqual({
        kind: 'token required',
      });
    }
  });

  it.each<[string, Partial<Route>, Known, EndReason]>([
    ['a route that has ended', { state: ENDED, endReason: EndReason.FAILED }, {}, EndReason.FAILED],
    [
      'an idle shutdown that the table does not have yet',
      { state: OPEN },
      { suspension: { outcome: SettleOutcome.ENDED } },
      EndReason.IDLE,
    ],
    [
      'the same of a suspended route',
      { state: SUSPENDED },
      { suspension: { outcome: SettleOutcome.ENDED } },
      EndReason.IDLE,
    ],
    [
      'the same of a route that is older than its own start',
      { state: PENDING },
      { suspension: { outcome: SettleOutcome.ENDED } },
      EndReason.IDLE,
    ],
  ])('answers 410 for %s, and for nothing else', (_what, route, known, reason) =>
    expect(decide(route, known)).toMatchObject({ kind: 'gone', reason }),
  );

  it('holds what is not ready', () =>
    expect(decide({ state: PENDING, backendState: BackendState.LOADING })).toEqual({
      kind: 'hold',
      state: BackendState.LOADING,
    }));

  it.each<[string, Partial<Route>, Known, number, number | undefined]>([
    ['by its route', { state: SUSPENDED }, {}, 5, undefined],
    ['by its route and by an agent', { state: SUSPENDED }, { suspension: {} }, 5, undefined],
    ['again by an agent', { state: SUSPENDED }, { suspension: { epoch: 7 } }, 7, 100],
    ['by an agent alone', { state: OPEN }, { suspension: { epoch: 6 } }, 6, 100],
  ])('holds what is suspended %s', (_what, route, known, epoch, until) =>
    expect(decide(route, known)).toEqual({ kind: 'suspended', state: READY, epoch, until }),
  );

  it.each<[Trust, object]>([
    ['trusted', { ...forward, endpoint: local }],
    ['confirm again', { ...forward, endpoint: local, confirmAgain: true }],
    ['unconfirmed', { kind: 'unconfirmed', state: READY, endpoint: local }],
    ['unverified', { kind: 'unverified' }],
  ])('forwards to an address as far as it is trusted: %s', (trust, decision) =>
    expect(decide({ state: OPEN }, { trust })).toEqual(decision),
  );

  it.each([
    ['the local address on its own drone', 'drone-1', { local, network }, local],
    ['the network address of another drone', 'drone-2', { local, network }, network],
    ['the network address from no drone', '', { local, network }, network],
    [
      'the network address on its own drone if there is no local one',
      'drone-1',
      { local: undefined, network },
      network,
    ],
  ])('forwards to %s', (_what, droneId, endpoints, endpoint) => {
    const { port: ownPort } = { ...endpoint, ...('local' in endpoints ? endpoints.local : local) };
    const decision = decide({ state: OPEN, ...endpoints }, { droneId });
    expect(decision).toEqual({ ...forward, endpoint, ownPort });
  });

  it('never takes the local address of another drone, even of one without a name', () => {
    expect(decide({ state: OPEN }, { droneId: 'drone-2' })).toEqual({ kind: 'unreachable' });
    expect(decide({ state: OPEN, droneId: '' }, { droneId: '' })).toEqual({ kind: 'unreachable' });
  });
});

it('tells addresses apart', () => {
  expect(isSameEndpoint(local, { ...local })).toBe(true);
  expect(isSameEndpoint(local, { ...local, port: 1 })).toBe(false);
  expect(isSameEndpoint(local, { ...local, host: 'x' })).toBe(false);
});
