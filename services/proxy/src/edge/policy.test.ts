import { QueuePositions } from '@spawner/bus';
import { connectionTokenId, newBackendId } from '@spawner/domain';
import { RouteState } from '@spawner/proto/internal/route';
import { Access, BackendState } from '@spawner/proto/v1/backend';
import { newRoute } from '@spawner/store';
import { crankedClock } from '@spawner/testkit';
import { StateEvents } from '../cluster/waiting-events.ts';
import { ActiveRequests } from '../routing/active-requests.ts';
import { HoldQueue } from '../routing/hold-queue.ts';
import type { RouteOutcome } from '../routing/router.ts';
import { TokenSessions } from '../tokens/token-sessions.ts';
import { STATE_EVENTS_PATH } from './pages/patient-page.ts';
import { EdgePolicy } from './policy.ts';
import type { LimitVerdict } from './rate-limits.ts';
import { REPLIES } from './replies.ts';
import type { EdgeRequest } from './request.ts';

const id = newBackendId((count) => new Uint8Array(count));
const TOKEN = 't'.repeat(43);
const tokenId = connectionTokenId(TOKEN);
const endpoint = { host: '127.0.0.1', port: 1 };
const NO_PAGES = { endRedirectUrl: undefined, endPage: undefined, startAgainUrl: undefined };
const NEVER = new AbortController().signal;

/** A policy before one backend that the router answers as a test wants. */
function scene({ access = Access.PUBLIC as Access, redirectPort = undefined as number | undefined } = {}) {
  const clock = crankedClock();
  const limits = { heldPerBackend: 3, heldTotal: 3 };
  const activity = new ActiveRequests(0);
  const state = {
    routed: undefined as RouteOutcome | undefined,
    admits: 'admitted' as LimitVerdict,
    silent: false,
    looked: [] as string[],
    failures: 0,
    limited: 0,
    complaints: [] as string[],
  };
  const forward = (): RouteOutcome => ({
    ...{ kind: 'forward', endpoint, ownPort: 8080, droneId: 'd' },
    active: activity.begin(id, 'd'),
  });
  const routes = {
    get: () => newRoute({ state: RouteState.PENDING, access }),
    isSilent: () => state.silent,
    token: () => ({
      ...({ kind: 'tokenGrant', tokenId, epoch: 1, backendId: id } as const),
      ...{ user: '', claims: '', expireMs: Number.MAX_SAFE_INTEGER },
    }),
    confirm: async () => 'absent' as const,
  };
  const holds = new HoldQueue(clock, limits);
  const tokens = new TokenSessions({ routes, holds, clock });
  const bus = { subscribe: () => ({ close: () => {}, established: async () => {} }) };
  const queue = new QueuePositions('test', clock);
  const stateEvents = new StateEvents({ routes, bus, queue, clock }, limits);
  const router = {
    route: async () => state.routed ?? forward(),
    routeNow: () => {
      const routed = state.routed ?? forward();
      return routed.kind === 'forward' ? routed : undefined;
    },
  };
  const admit = () => {
    state.limited += 1;
    return state.admits;
  };
  const policy = new EdgePolicy(
    {
      ...{ router, tokens, routes, stateEvents, queue, clock, requests: activity, limits: { admit } },
      holds,
      metrics: { upstreamFailed: () => state.failures++ },
      complaints: { complain: (backend, objection) => state.complaints.push(`${backend} ${objection}`) },
      look: (backendId) => state.looked.push(backendId),
    },
    { ...NO_PAGES, openPerBackend: 2, restartHoldMs: 2_000, redirectPort: () => redirectPort },
  );
  return { policy, state, activity, stateEvents, queue, tokens };
}

function request(fields: Partial<EdgeRequest> = {}, headers: Record<string, string> = {}): EdgeRequest {
  return {
    ...{ method: 'GET', host: `${id}.mydomain.test`, backendId: id, path: '/', protocol: 'HTTP/1.1' },
    ...{ upgrade: false, refusal: undefined },
    peer: { remoteAddress: '192.0.2.1', trusted: false, tls: false, connection: { once: () => {} } },
    header: (name) => headers[name],
    ...fields,
  };
}

const trusted = { ...request().peer, trusted: true };

/** Both halves of the policy: what `decide` says, and whether `decideNow` forwards at once. */
async function decide({ policy }: ReturnType<typeof scene>, asked: EdgeRequest) {
  const now = policy.decideNow(asked);
  now?.active.neverReached();
  const decision = await policy.decide(asked, NEVER);
  const said = decision.kind === 'reply' ? decision.reply.outcome : 'forward';
  return { now: now !== undefined, said };
}

describe('the policy', () => {
  it('forwards at once, or after a wait, and counts the request from then on', async () => {
    const world = scene();
    expect(await decide(world, request())).toEqual({ now: true, said: 'forward' });
    expect(world.activity.open(id)).toBe(1);
  });

  it.each<[string, Partial<EdgeRequest>, string]>([
    ['that is malformed', { refusal: REPLIES.badRequest('', false) }, 'refused'],
    ['for no host of this cluster', { backendId: undefined }, 'unknown'],
  ])('refuses a request %s', async (_what, fields, said) =>
    expect(await decide(scene(), request(fields))).toMatchObject({ said }),
  );

  it('redirects plain HTTP alone, and believes trusted addresses about it', async () => {
    const world = scene({ redirectPort: 443 });
    const https = { 'x-forwarded-proto': 'https' };
    expect(await decide(world, request())).toEqual({ now: false, said: 'redirected' });
    expect(await decide(world, request({}, https))).toEqual({ now: false, said: 'redirected' });
    expect(await decide(world, request({ peer: trusted }, https))).toEqual({ now: true, said: 'forward' });
    expect(await decide(world, request({ peer: { ...trusted, tls: true } }))).toMatchObject({
      said: 'forward',
    });
  });

  it.each(['tooManyConnections', 'tooManyRequests'] as const)('refuses %s', async (admits) => {
    const world = scene();
    world.state.admits = admits;
    expect(await decide(world, request())).toEqual({ now: false, said: 'limited' });
    expect(world.activity.total).toBe(0);
  });

  it('counts a request for the limits once, whichever half decides', async () => {
    const world = scene();
    world.state.routed = { kind: 'gone', state: 70, reason: 0, pages: undefined };
    expect(await decide(world, request())).toEqual({ now: false, said: 'gone' });
    expect(world.state.limited).toBe(1);
  });

  it('tells a program that has to come again its place in the queue, and when', async () => {
    const { policy, state, queue } = scene();
    const headers = async (waitState: BackendState) => {
      state.routed = { kind: 'late', state: waitState };
      const decision = await policy.decide(request(), NEVER);
      const told: Record<string, string> = decision.kind === 'reply' ? decision.reply.headers : {};
      return [told['Retry-After'], told['X-Spawner-State'], told['X-Spawner-Queue-Position']];
    };
    const waits = (expectedWaitMs: number | undefined) =>
      queue.take({ droneId: 'd', cluster: 'test', waiting: [{ id: 'other' }, { id, expectedWaitMs }] });
    expect(await headers(BackendState.LOADING)).toEqual(['1', 'LOADING', undefined]);
    waits(undefined);
    expect(await headers(BackendState.LOADING)).toEqual(['1', 'LOADING', '2']);
    waits(4_001);
    expect(await headers(BackendState.LOADING)).toEqual(['5', 'LOADING', '2']);
    expect(await headers(BackendState.STARTING)).toEqual(['1', 'STARTING', undefined]);
    waits(10 * 60_000);
    expect(await headers(BackendState.LOADING)).toEqual(['60', 'LOADING', '2']);
    waits(0);
    expect(await headers(BackendState.LOADING)).toEqual(['1', 'LOADING', '2']);
  });

  it('gives a browser a page that says its place', async () => {
    const { policy, state, queue } = scene();
    queue.take({ droneId: 'd', cluster: 'test', waiting: [{ id, expectedWaitMs: 4_000 }] });
    state.routed = { kind: 'waiting', state: BackendState.LOADING };
    const decision = await policy.decide(request({}, { accept: 'text/html' }), NEVER);
    const body = decision.kind === 'reply' ? decision.reply.body : '';
    expect(body).toContain('>Number 1 in the queue. About 4 s are left.<');
  });

  it('refuses what exceeds the limit of open requests', async () => {
    const world = scene();
    for (const kind of ['forward', 'forward', 'busy'])
      expect(await decide(world, request())).toMatchObject({ said: kind });
    expect(world.activity.open(id)).toBe(2);
    expect((await decide(world, request())).now).toBe(false);
  });

  it.each<[string, Record<string, string>, Partial<EdgeRequest>, string]>([
    ['without a token', {}, {}, 'unauthorized'],
    ['with a good one', { authorization: `Bearer ${TOKEN}` }, {}, 'forward'],
    [
      'of a browser with one in the address',
      { accept: 'text/html' },
      { path: `/?spawner_token=${TOKEN}` },
      'handed_over',
    ],
    [
      'that would be led to another host',
      { accept: 'text/html' },
      { path: `//x/?spawner_token=${TOKEN}` },
      'refused',
    ],
  ])('guards a backend that asks for a token: a request %s', async (_what, headers, fields, said) => {
    const world = scene({ access: Access.TOKEN });
    world.state.routed = said === 'unauthorized' ? { kind: 'token required' } : undefined;
    expect(await decide(world, request(fields, headers))).toMatchObject({ said });
  });

  it('has the agent look at a backend that failed, and says whether it may come back', () => {
    const { policy, state } = scene();
    const forward = policy.decideNow(request());
    if (!forward) throw new Error('not forwarded');
    const status = (reached: boolean) => policy.backendFailed(request(), forward, reached).status;
    expect([status(false), status(true)]).toEqual([502, 502]);
    state.silent = true;
    // A backend that took the request may have done what was asked: it is not for the proxy to say "again".
    expect([status(false), status(true)]).toEqual([503, 502]);
    expect([state.failures, state.looked]).toEqual([4, [id, id, id, id]]);
  });

  it.each<[string, Partial<EdgeRequest>, Record<string, string>, boolean, boolean]>([
    ['a GET of a program', {}, {}, false, true],
    ['a DELETE without a body', { method: 'DELETE' }, {}, false, true],
    ['a PUT with a body', { method: 'PUT' }, {}, true, false],
    ['a POST', { method: 'POST' }, {}, false, false],
    ['a WebSocket', { upgrade: true }, {}, false, false],
    ['a page that a browser loads', {}, { 'sec-fetch-mode': 'navigate' }, false, false],
    ['a page of an older browser', {}, { accept: 'text/html' }, false, false],
    ['a request of a page', {}, { accept: 'text/html', 'sec-fetch-mode': 'cors' }, false, true],
    ['a client without patience', {}, { prefer: 'wait=0' }, false, false],
  ])('decides whether %s waits for a program that restarts', (_, fields, headers, hasBody, waits) => {
    const { policy, state } = scene();
    const forward = policy.decideNow(request());
    if (!forward) throw new Error('not forwarded');
    const asked = request(fields, headers);
    expect(policy.restartHold(asked, forward, hasBody) !== undefined).toBe(waits);
    // The agent looks at once, because the program may have ended.
    expect(state.looked).toEqual(waits ? [id] : []);
    state.silent = true;
    expect(policy.restartHold(asked, forward, hasBody)).toBeUndefined();
    const told = policy.backendFailed(asked, forward, true, { refused: true });
    expect([told.status, told.headers['Retry-After']]).toEqual([502, '1']);
  });

  it('names the rule to the user and in the log if an answer cannot be forwarded, which is no failed connection', () => {
    const { policy, state } = scene();
    const forward = policy.decideNow(request());
    if (!forward) throw new Error('not forwarded');
    const reply = policy.backendFailed(request(), forward, true, { objection: 'it is odd' });
    expect(reply).toMatchObject({ status: 502, outcome: 'bad_answer' });
    expect(reply.body).toContain("The backend's answer cannot be forwarded: it is odd.");
    expect(state).toMatchObject({ failures: 0, looked: [], complaints: [`${id} it is odd`] });
  });

  it('streams the state of a backend for no longer than the token is good', async () => {
    const { policy, state, stateEvents, tokens } = scene({ access: Access.TOKEN });
    state.routed = { kind: 'late', state: BackendState.LOADING };
    const headers = { authorization: `Bearer ${TOKEN}` };
    const decision = await policy.decide(request({ path: STATE_EVENTS_PATH }, headers), NEVER);
    let ends = 0;
    const sink = { write: () => {}, end: () => ends++ };
    const left = decision.kind === 'reply' ? decision.reply.follow?.(sink) : undefined;
    expect([ends, stateEvents.total]).toEqual([0, 1]);
    const revoke = () => tokens.rowChanged({ kind: 'revokedToken', tokenId, epoch: 2 });
    revoke();
    expect(ends).toBe(1);
    left?.();
    expect(stateEvents.total).toBe(0);
    revoke();
    expect(ends).toBe(1);
  });
});
