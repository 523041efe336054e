import type { IncomingMessage } from 'node:http';
import { connectionTokenId, newBackendId } from '@spawner/domain';
import { RouteState } from '@spawner/proto/internal/route';
import { BackendState } from '@spawner/proto/v1/backend';
import { newRoute } from '@spawner/store';
import { crankedClock } from '@spawner/testkit';
import { StateEvents } from '../cluster/waiting-events.ts';
import { Holds } from '../routing/hold-queue.ts';
import { Visitors } from '../tokens/token-sessions.ts';
import { rawHead } from '../transports/node/node-http.ts';
import { STATE_EVENTS_PATH } from './pages.ts';
import { Reception } from './policy.ts';
import { trustOf } from './trusted-addresses.ts';

const clusterDomain = 'mydomain.test';
const id = newBackendId((count) => new Uint8Array(count));
const tokenId = connectionTokenId('t'.repeat(43));

/** What somebody with a token gets who asks how far the backend is. */
async function following() {
  const clock = crankedClock();
  const limits = { perBackend: 3, total: 3 };
  const routes = {
    get: () => newRoute({ state: RouteState.PENDING }),
    token: () => undefined,
    confirm: async () => 'absent' as const,
  };
  const visitors = new Visitors({ routes, holds: new Holds(clock, limits), clock });
  const bus = { subscribe: () => ({ close: () => {}, established: async () => {} }) };
  const stateEvents = new StateEvents({ routes, bus, clock }, limits);
  const visitor = { tokenId, user: '', claims: '', path: STATE_EVENTS_PATH, byBearer: false };
  const passage = { kind: 'late', state: BackendState.LOADING } as const;
  const reception = new Reception(
    {
      door: { enter: async () => ({ passage, visitor }) },
      visitors,
      limits: { admit: () => 'admitted' },
      stateEvents,
      activity: { open: () => 0 },
      trust: trustOf([]),
      clock,
    },
    { clusterDomain, maxHeaderBytes: 1_000, openPerBackend: 1, redirectPort: () => undefined },
  );
  const host = `${id}.${clusterDomain}`;
  const said = { method: 'GET', url: STATE_EVENTS_PATH, httpVersion: '1.1', headers: { host } };
  const req = { ...said, rawHeaders: ['Host', host], socket: {} } as IncomingMessage;
  const answer = await reception.receive(req, rawHead(req, false), false, new AbortController().signal);
  return { answer, stateEvents, visitors };
}

describe('Reception', () => {
  it('tells how far a backend is for no longer than the token is good', async () => {
    const { answer, stateEvents, visitors } = await following();
    let ends = 0;
    const sink = { write: () => {}, end: () => ends++ };
    const left = 'follow' in answer ? answer.follow?.(sink) : undefined;
    expect([ends, stateEvents.total]).toEqual([0, 1]);
    const revoke = () => visitors.rowChanged({ kind: 'revoked-token', tokenId, epoch: 0 });
    revoke();
    expect(ends).toBe(1);
    left?.();
    expect(stateEvents.total).toBe(0);
    revoke();
    expect(ends).toBe(1);
  });
});
