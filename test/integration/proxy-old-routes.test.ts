import { once } from 'node:events';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { AppError } from '@spawner/domain';
import {
  AgentServiceService,
  type VerifyBackendRequest,
  type VerifyBackendResponse,
} from '@spawner/proto/internal/agent_service';
import { BackendState, EndReason } from '@spawner/proto/v1/backend';
import { implement, serveRpc } from '@spawner/rpc';
import { eventually, startUpstream, testLog, type Upstream } from '@spawner/testkit';
import { DRONE, type ProxyWorld, startProxyWorld } from './proxy-fixture.ts';
import { openWebSocket } from './proxy-websocket-client.ts';

/** The shortest there is. */
const TRUSTED_MS = 15_000;

type Said = (question: VerifyBackendRequest) => Promise<VerifyBackendResponse>;

/** An agent that says what a test wants. */
async function startAgent(): Promise<
  { port: number; asked: VerifyBackendRequest[]; said: Said } & AsyncDisposable
> {
  const refuse = async () => {
    throw new AppError('unimplemented', 'only verified here');
  };
  const asked: VerifyBackendRequest[] = [];
  const agent = {
    asked,
    said: refuse as Said,
    port: 0,
    [Symbol.asyncDispose]: () => server.close(),
  };
  const service = implement(AgentServiceService, {
    startBackend: refuse,
    stopBackend: refuse,
    listBackends: refuse,
    explainBackend: refuse,
    tailLogs: async function* () {
      yield* [] as never[];
    },
    verifyBackend: async (question) => {
      asked.push(question);
      return agent.said(question);
    },
  });
  const log = testLog();
  const server = await serveRpc({ address: '127.0.0.1', port: 0, log, services: [service] });
  agent.port = server.port;
  return agent;
}

describe('routes that the store has not stood behind for too long', () => {
  let world: ProxyWorld;
  let upstream: Upstream;
  let agent: Awaited<ReturnType<typeof startAgent>>;
  const backends: Record<'living' | 'ended' | 'untold', { id: string; host: string }> = {
    living: { id: '', host: '' },
    ended: { id: '', host: '' },
    untold: { id: '', host: '' },
  };
  const keeping = new Agent({ keepAlive: true, maxSockets: 1 });

  beforeAll(async () => {
    upstream = await startUpstream();
    agent = await startAgent();
    world = await startProxyWorld({ SPAWNER_PROXY_ROUTES_TRUSTED_MS: String(TRUSTED_MS) });
    await world.row({
      ...{ kind: 'agentAddress', droneId: DRONE, rpcAddress: `127.0.0.1:${agent.port}`, epoch: 0 },
    });
    for (const name of ['living', 'ended', 'untold'] as const) backends[name] = await world.backend(upstream);
  });
  afterAll(async () => {
    keeping.destroy();
    await world?.[Symbol.asyncDispose]();
    await agent?.[Symbol.asyncDispose]();
    await upstream?.stop();
  });

  /** On the one connection that its client keeps. */
  async function getOnKept(host: string): Promise<number> {
    const options = { port: world.port, host: '127.0.0.1', headers: { host }, agent: keeping };
    const [answer] = (await once(httpRequest(options).end(), 'response')) as [IncomingMessage];
    answer.resume();
    await once(answer, 'end');
    return answer.statusCode ?? 0;
  }

  it('are asked about before anything goes there, on a kept connection too, and are as their agent says', async () => {
    const local = { host: '127.0.0.1', port: upstream.port };
    agent.said = async ({ id }) => {
      if (id === backends.untold.id) throw new AppError('unavailable', 'not now');
      return id === backends.ended.id
        ? { state: BackendState.TERMINATED, endReason: EndReason.LIFETIME }
        : { state: BackendState.READY, local, endReason: EndReason.UNSPECIFIED };
    };
    expect(await getOnKept(backends.living.host)).toBe(200);
    await world.redis.kill();
    expect(agent.asked).toEqual([]);
    // Meanwhile the connection to the backend, and that of the client, are kept.
    await eventually(
      async () => {
        expect(await getOnKept(backends.living.host)).toBe(200);
        expect(agent.asked).not.toEqual([]);
      },
      { timeoutMs: TRUSTED_MS + 60_000, everyMs: 500 },
    );
    expect(agent.asked[0]).toEqual({
      cluster: 'local',
      droneId: DRONE,
      id: backends.living.id,
      proxyId: 'proxy-1',
    });
    const socket = await openWebSocket(world, backends.living.host);
    socket.close();

    const before = upstream.seen.length;
    const gone = await world.get(backends.ended.host);
    expect([gone.status, JSON.parse(gone.body).reason]).toEqual([410, 'LIFETIME']);
    const refused = await world.get(backends.untold.host);
    expect([refused.status, refused.headers['retry-after']]).toEqual([503, '1']);
    const page = await world.get(backends.untold.host, '/', { accept: 'text/html' });
    expect([page.status, page.body.includes('cannot be found at the moment')]).toEqual([503, true]);
    expect(upstream.seen.length).toBe(before);
  });
});
