import { BackendState, EndReason } from '@spawner/proto/v1/backend';
import { type Life, newLife } from '../lifecycle/life.ts';
import { verify } from './verify.ts';

const home = { cluster: 'local', droneId: 'drone-1' };
const question = { ...home, id: 'a', proxyId: 'p' };
const local = { host: '10.213.0.2', port: 8080 };
const terms = { pullTimeoutMs: 1, startupTimeoutMs: 1, idleTimeoutMs: 1, lifetimeLimitMs: 0, stopGraceMs: 1 };

function life(state: BackendState, more: Partial<Life> = {}): Life {
  const fresh = newLife('a', terms, new Date(0));
  return { ...fresh, status: { ...fresh.status, state, local }, ...more };
}

describe('the verification of a backend', () => {
  it('has the endpoints of a living backend', () => {
    expect(verify(home, question, life(BackendState.READY))).toMatchObject({
      state: BackendState.READY,
      local,
    });
  });

  it('reports an ordered end, and its reason, before the state changes', () => {
    const ending = { reason: EndReason.REQUESTED, detail: '', removing: false };
    expect(verify(home, question, life(BackendState.READY, { ending }))).toMatchObject({
      state: BackendState.TERMINATING,
      endReason: EndReason.REQUESTED,
    });
  });

  it('reports an unknown backend as TERMINATED', () => {
    expect(verify(home, question, undefined)).toMatchObject({ state: BackendState.TERMINATED });
  });

  it.each([
    ['drone', { droneId: 'drone-2' }],
    ['cluster', { cluster: 'another' }],
  ])('refuses a question for another %s', (_what, other) => {
    expect(() => verify(home, { ...question, ...other }, undefined)).toThrow(
      'this is the agent of drone-1 in local',
    );
  });
});
