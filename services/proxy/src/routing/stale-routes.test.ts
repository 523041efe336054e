import { DEADLINES } from '@spawner/domain';
import type { VerifyBackendResponse } from '@spawner/proto/internal/agent_service';
import { RouteState } from '@spawner/proto/internal/route';
import { BackendState, EndReason } from '@spawner/proto/v1/backend';
import { createLog } from '@spawner/service';
import { newRoute, type Route } from '@spawner/store';
import { crankedClock, eventually } from '@spawner/testkit';
import { ActiveRequests } from './active-requests.ts';
import { HoldQueue } from './hold-queue.ts';
import { type RouteOptions, Router } from './router.ts';
import { StaleRoutes } from './stale-routes.ts';

const TRUSTED_MS = DEADLINES.routesTrusted;
const local = { host: '127.0.0.1', port: 1 };

/** A router before one ready backend `a`, whose agent answers as a test wants. */
function scene() {
  const clock = crankedClock();
  const table = new Map<string, Route>();
  const room = new HoldQueue(clock, { heldPerBackend: 3, heldTotal: 10 });
  const routes = {
    /** Clock time at which the store last stood behind them. */
    inStep: 0,
    get: (id: string) => table.get(id),
    confirm: async () => 'absent' as const,
    isSilent: () => false,
    asOf: () => routes.inStep,
    agentOf: (drone: string): string | undefined => `${drone}:1`,
    presume: (route: Route) => {
      table.set(route.backendId, route);
      made.routeChanged(route.backendId);
    },
  };
  const agent = { asked: 0, answer: (): Promise<VerifyBackendResponse> => new Promise(() => {}) };
  const agents = {
    verify: () => {
      agent.asked += 1;
      return agent.answer();
    },
  };
  const log = createLog('test', 'silent');
  const about = { routes, agents, clock, log, routesTrustedMs: TRUSTED_MS };
  const verifications = new StaleRoutes(about, (id) => room.release(id));
  const suspended = { suspensionOf: () => undefined, resume: () => {} };
  const activity = new ActiveRequests(0);
  const made: Router = new Router(
    { routes, holds: room, suspended, stale: verifications, requests: activity, clock },
    { droneId: 'drone-1', holdTimeoutMs: 30_000 },
  );
  /** A newer route. */
  const become = (epoch: number) => {
    const open = { state: RouteState.OPEN, backendState: BackendState.READY, local };
    routes.presume(newRoute({ backendId: 'a', droneId: 'drone-1', epoch, ...open }));
  };
  become(1);
  const pass = ({ backendId = 'a', ...options }: Partial<RouteOptions> & { backendId?: string } = {}) =>
    made.route(
      backendId,
      { navigation: false, patienceMs: undefined, ...options },
      new AbortController().signal,
    );
  return { clock, room, routes, router: made, become, pass, agent, verifications };
}

describe('a route that the store has not confirmed for too long', () => {
  const alive = async () => ({ state: BackendState.READY, local, endReason: EndReason.UNSPECIFIED });
  const kept = () => {
    const made = scene();
    made.routes.inStep = Number.NEGATIVE_INFINITY;
    return made;
  };

  it('is trusted for ten minutes', async () => {
    const { clock, pass, agent, router: made } = scene();
    await clock.advance(TRUSTED_MS);
    expect([await pass(), made.routeNow('a')]).toMatchObject([{ kind: 'forward' }, { kind: 'forward' }]);
    await clock.advance(1);
    expect(made.routeNow('a')).toBeUndefined();
    expect(agent.asked).toBe(0);
  });

  it('is confirmed once for all requests, for half a minute', async () => {
    const { clock, pass, agent, room, router: made } = kept();
    const answer = Promise.withResolvers<VerifyBackendResponse>();
    agent.answer = () => answer.promise;
    const passages = [pass(), pass({ navigation: true })];
    expect(made.routeNow('a')).toBeUndefined();
    expect([room.total, agent.asked]).toEqual([2, 1]);
    answer.resolve(await alive());
    expect(await Promise.all(passages)).toMatchObject([{ kind: 'forward' }, { kind: 'forward' }]);
    await clock.advance(DEADLINES.verified / 3 - 1);
    expect(made.routeNow('a')).toMatchObject({ kind: 'forward', endpoint: local });
    expect(agent.asked).toBe(1);
  });

  it('is confirmed again, beside the requests, before the confirmation expires', async () => {
    const { clock, pass, agent, router: made } = kept();
    agent.answer = alive;
    await pass();
    for (let times = 2; times < 8; times++) {
      await clock.advance(DEADLINES.verified / 3);
      expect(made.routeNow('a')).toMatchObject({ kind: 'forward' });
      await eventually(() => expect(agent.asked).toBe(times));
    }
    await clock.advance(DEADLINES.verified);
    expect(made.routeNow('a')).toBeUndefined();
  });

  it('has ended if its agent says so, with the reason', async () => {
    const { pass, agent, router: made } = kept();
    agent.answer = async () => ({ state: BackendState.TERMINATED, endReason: EndReason.EXITED });
    expect(await pass()).toMatchObject({ kind: 'gone', reason: EndReason.EXITED });
    expect(await pass()).toMatchObject({ kind: 'gone', reason: EndReason.EXITED });
    expect([agent.asked, made.routeNow('a')]).toEqual([1, undefined]);
  });

  it('follows the address that its agent reports, once that is confirmed', async () => {
    const { pass, agent } = kept();
    const moved = { host: '127.0.0.1', port: 2 };
    agent.answer = async () => ({ ...(await alive()), local: moved });
    expect(await pass()).toMatchObject({ kind: 'forward', endpoint: moved });
    expect(agent.asked).toBe(2);
  });

  it('is confirmed again at another address: a confirmation is for one', async () => {
    const { pass, agent, routes, router: made } = kept();
    agent.answer = alive;
    await pass();
    const elsewhere = { host: '127.0.0.1', port: 3 };
    routes.presume(newRoute({ ...routes.get('a'), epoch: 2, local: elsewhere }));
    expect(made.routeNow('a')).toBeUndefined();
    agent.answer = async () => ({ ...(await alive()), local: elsewhere });
    expect(await pass()).toMatchObject({ kind: 'forward', endpoint: elsewhere });
    expect(agent.asked).toBe(2);
  });

  it('is not used while its agent does not answer, and is tried again after a while', async () => {
    const { clock, pass, agent } = kept();
    agent.answer = async () => {
      throw new Error('away');
    };
    expect(await pass()).toEqual({ kind: 'unverified' });
    expect(await pass()).toEqual({ kind: 'unverified' });
    expect(agent.asked).toBe(1);
    agent.answer = alive;
    await clock.advance(1_000);
    expect(await pass()).toMatchObject({ kind: 'forward' });
  });

  it('keeps a confirmation that still counts if the next question fails', async () => {
    const { clock, pass, agent, router: made } = kept();
    agent.answer = alive;
    await pass();
    agent.answer = async () => {
      throw new Error('away');
    };
    await clock.advance(DEADLINES.verified - 1);
    expect(made.routeNow('a')).toMatchObject({ kind: 'forward' });
    await eventually(() => expect(agent.asked).toBe(2));
    expect(made.routeNow('a')).toMatchObject({ kind: 'forward' });
    expect(agent.asked).toBe(2);
    await clock.advance(1);
    expect(await pass()).toEqual({ kind: 'unverified' });
  });

  it('is held no longer than its client waits', async () => {
    const { clock, pass } = kept();
    const passage = pass({ patienceMs: 500 });
    await clock.advance(500);
    expect(await passage).toEqual({ kind: 'unverified' });
  });

  it('is not used if its agent is unknown', async () => {
    const { pass, routes } = kept();
    routes.agentOf = () => undefined;
    expect(await pass()).toEqual({ kind: 'unverified' });
  });

  it('is trusted again without a question when the store confirms it', async () => {
    const { pass, routes, clock, agent } = kept();
    routes.inStep = clock.now();
    expect(await pass()).toMatchObject({ kind: 'forward' });
    expect(agent.asked).toBe(0);
  });

  it('is not ended by an answer that a newer route has overtaken', async () => {
    const { pass, agent, become, routes, clock } = kept();
    const answer = Promise.withResolvers<VerifyBackendResponse>();
    agent.answer = () => answer.promise;
    const passage = pass();
    routes.inStep = clock.now();
    become(2);
    answer.resolve({ state: BackendState.TERMINATED, endReason: EndReason.IDLE });
    expect(await passage).toMatchObject({ kind: 'forward' });
    expect(await pass()).toMatchObject({ kind: 'forward' });
  });

  it('forgets backends that get no more requests', async () => {
    const { clock, pass, agent, verifications, routes, become } = kept();
    agent.answer = alive;
    await pass();
    expect(verifications.size).toBe(1);
    await clock.advance(DEADLINES.verified);
    become(2);
    routes.inStep = Number.NEGATIVE_INFINITY;
    const other = newRoute({ ...routes.get('a'), backendId: 'b' });
    routes.presume(other);
    await pass({ backendId: 'b' });
    expect(verifications.size).toBe(1);
  });
});
