/** A proxy as its own process, with a real Redis and NATS, a scheduler that only registers, and routes written as the store writes them. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import { openBus, SUBJECTS } from '@spawner/bus';
import { AppError, backendHostname, newBackendId } from '@spawner/domain';
import { CertificatesServiceService } from '@spawner/proto/internal/certificates_service';
import type { Node } from '@spawner/proto/internal/node';
import { RouteState } from '@spawner/proto/internal/route';
import {
  RenewNodeResponse,
  RenewVerdict,
  SchedulerServiceService,
  SettleOutcome,
  type SettleRouteRequest,
} from '@spawner/proto/internal/scheduler_service';
import type { ProxyActivity, SettleReply } from '@spawner/proto/internal/telemetry';
import { BackendState, type EndReason } from '@spawner/proto/v1/backend';
import { implement, serveRpc } from '@spawner/rpc';
import { encodeRow, keysOf, newRoute, openRedis, type Route, rowId, type TableRow } from '@spawner/store';
import {
  type Certificate,
  eventually,
  freePort,
  type HttpAnswer,
  type Program,
  request,
  startNats,
  startProgram,
  startRedis,
  testLog,
} from '@spawner/testkit';

export const DOMAIN = 'mydomain.test';
export const DRONE = 'drone-1';
export const EPOCH = 7;

export interface ProxyWorld extends AsyncDisposable {
  port: number;
  httpsPort: number;
  adminPort: number;
  redis: Awaited<ReturnType<typeof startRedis>>;
  proxy: Program;
  /** The proxy's environment, to start another one beside it. */
  variables: Readonly<Record<string, string>>;
  registered: readonly Node[];
  /** Its answer to an agent while it was registering; undefined if it did not answer. */
  early: () => SettleReply | undefined;
  bus: Awaited<ReturnType<typeof openBus>>;
  /** A new id and its host name. */
  name(): { id: string; host: string };
  /** Writes the route of a backend on our drone. */
  route(id: string, route: Partial<Route>): Promise<void>;
  /** Writes any other row; its epoch is the fixture's. */
  row(row: TableRow): Promise<void>;
  ready(id: string, port: number): Promise<void>;
  starting(id: string): Promise<void>;
  /** A new backend whose program is this upstream, known to the proxy. */
  backend(upstream: { port: number }): Promise<{ id: string; host: string }>;
  /** A new backend that is starting, known to the proxy. */
  startingBackend(): Promise<{ id: string; host: string }>;
  /** A GET by plain HTTP. */
  get(host: string, path?: string, headers?: Record<string, string>): Promise<HttpAnswer>;
  /** The proxy's account of this backend; `open` includes held requests. */
  settle(id: string): Promise<ProxyActivity>;
  /** The proxy's answer to an agent that asks about this suspension. */
  ask(id: string, epoch: number): Promise<SettleReply>;
  /** The proxies' calls about suspensions, and their answer. */
  settling: { asked: SettleRouteRequest[]; answer: (request: SettleRouteRequest) => Promise<SettleOutcome> };
  /** Epoch of the latest route that was written. */
  epoch(): number;
  ended(id: string, state: BackendState, reason: EndReason): Promise<void>;
  /** Takes the route out of the table. */
  forget(id: string): Promise<void>;
  /** From now on the certificates service hands out this one. */
  certify(certificate: Certificate): void;
}

/** A server of the test's own on a free loopback port, closed with all its connections at the end of the scope. */
export async function serve(server: Server): Promise<{ port: number } & AsyncDisposable> {
  const sockets = new Set<{ destroy(): void }>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

let fastPath = 'on';

/** From now on proxies are started without their fast path. */
export function onGeneralPath(): void {
  fastPath = 'off';
}

/** Whether proxies are started with it. */
export function hasFastPath(): boolean {
  return fastPath === 'on';
}

export async function startProxyWorld(env: Record<string, string> = {}): Promise<ProxyWorld> {
  await using stack = new AsyncDisposableStack();
  const log = testLog();
  const redisServer = stack.use(await startRedis());
  const natsServer = stack.use(await startNats());
  const redis = await openRedis(redisServer.url, log);
  stack.defer(() => redis.close());
  const keys = keysOf('local');
  // The store is whole: what it has no route of does not exist.
  const run = /run_id:(\w+)/.exec(String(await redis.send(['INFO', 'server'])))?.[1] ?? '';
  await redis.send(['HSET', keys.epoch, 'epoch', '1', 'run', run, 'until', '0']);
  const bus = await openBus(natsServer.url, 'test', log);
  stack.defer(() => bus.close());
  const registered: Node[] = [];
  let early: SettleReply | undefined;
  const registers = async (node: Node) => {
    const question = { id: newBackendId(randomBytes), epoch: 0 };
    early ??= await bus.ask(SUBJECTS.settle, node.id, question, 10_000).catch(() => undefined);
    registered.push(node);
  };
  const settling: ProxyWorld['settling'] = { asked: [], answer: async () => SettleOutcome.UNSPECIFIED };
  const certificates = certificateSource();
  const rpc = await serveRpc({
    address: '127.0.0.1',
    port: 0,
    log,
    services: [scheduler(registered, registers, settling), certificates.service],
  });
  stack.defer(() => rpc.close());

  const [port, httpsPort, adminPort] = [await freePort(), await freePort(), await freePort()];
  const variables = {
    SPAWNER_CLUSTER_DOMAIN: DOMAIN,
    SPAWNER_REDIS_URL: redisServer.url,
    SPAWNER_NATS_URL: natsServer.url,
    SPAWNER_SCHEDULER_ADDRESS: `127.0.0.1:${rpc.port}`,
    SPAWNER_PROXY_CERTIFICATES_ADDRESS: `127.0.0.1:${rpc.port}`,
    SPAWNER_PROXY_ID: 'proxy-1',
    SPAWNER_PROXY_DRONE_ID: DRONE,
    SPAWNER_PROXY_HTTP_PORT: String(port),
    SPAWNER_PROXY_HTTPS_PORT: String(httpsPort),
    SPAWNER_PROXY_ADMIN_PORT: String(adminPort),
    SPAWNER_PROXY_PUBLIC_ADDRESSES: '192.0.2.7',
    SPAWNER_PROXY_FAST_PATH: fastPath,
    ...env,
  };
  const proxy = stack.use(
    await startProgram({
      command: process.execPath,
      args: ['services/proxy/src/main.ts'],
      env: variables,
      // Workers say so of themselves, each with its name.
      ready: (line) => line.includes('"started"') && !line.includes('"proxy":'),
      stopTimeoutMs: 60_000,
    }),
  );

  let tick = 1_000;
  let n = 0;
  const write = async (id: string, row: TableRow | undefined) => {
    const epoch = ++tick;
    const at = ++n;
    const bytes = row ? encodeRow({ ...row, epoch }) : Buffer.alloc(0);
    await redis.send(row ? ['HSET', keys.routes, id, bytes] : ['HDEL', keys.routes, id]);
    await redis.send(['HSET', keys.routeHead, 'epoch', String(EPOCH), 'n', String(at)]);
    const entry = ['id', id, 'epoch', String(epoch), 'route', bytes];
    await redis.send(['XADD', keys.routeLog, `${EPOCH}-${at}`, ...entry]);
  };
  const route: ProxyWorld['route'] = (id, fields) =>
    write(id, newRoute({ backendId: id, droneId: DRONE, ...fields }));
  const name = () => {
    const id = newBackendId(randomBytes);
    return { id, host: backendHostname(id, DOMAIN) };
  };
  const get: ProxyWorld['get'] = (host, path = '/', headers = {}) => request({ port, host, path, headers });
  const ready = (id: string, upstreamPort: number) =>
    route(id, {
      state: RouteState.OPEN,
      backendState: BackendState.READY,
      local: { host: '127.0.0.1', port: upstreamPort },
    });
  const starting = (id: string) =>
    route(id, { state: RouteState.PENDING, backendState: BackendState.STARTING });
  const ask: ProxyWorld['ask'] = (id, epoch) => bus.ask(SUBJECTS.settle, 'proxy-1', { id, epoch }, 10_000);
  const disposables = stack.move();
  return {
    port,
    httpsPort,
    adminPort,
    redis: redisServer,
    proxy,
    variables,
    registered,
    early: () => early,
    bus,
    name,
    route,
    row: (row) => write(rowId(row), row),
    ready,
    starting,
    backend: async (upstream) => {
      const made = name();
      await ready(made.id, upstream.port);
      await eventually(async () => (await get(made.host, '/status/204')).status !== 404);
      return made;
    },
    startingBackend: async () => {
      const made = name();
      await starting(made.id);
      // A route that is only in the store is answered with SCHEDULED.
      await eventually(async () => {
        const { headers } = await get(made.host, '/', { prefer: 'wait=0' });
        expect(headers['x-spawner-state']).toBe('STARTING');
      });
      return made;
    },
    get,
    settle: async (id) => {
      const { activity, held } = await ask(id, 0);
      return { id, open: (activity?.open ?? -1) + held, ageMs: activity?.ageMs ?? -1 };
    },
    ask,
    settling,
    epoch: () => tick,
    ended: (id, backendState, endReason) => route(id, { state: RouteState.ENDED, backendState, endReason }),
    forget: (id) => write(id, undefined),
    certify: certificates.certify,
    [Symbol.asyncDispose]: () => disposables.disposeAsync(),
  };
}

function scheduler(
  registered: readonly Node[],
  registers: (node: Node) => Promise<void>,
  settling: ProxyWorld['settling'],
) {
  const refuse = async () => {
    throw new AppError('unimplemented', 'only nodes are served here');
  };
  const refuseStream = async function* () {
    yield* [] as never[];
  };
  return implement(SchedulerServiceService, {
    spawnBackend: refuse,
    getBackend: refuse,
    listBackends: refuse,
    explainBackend: refuse,
    terminateBackend: refuse,
    createConnectionToken: refuse,
    revokeConnectionTokens: refuse,
    listDrones: refuse,
    forgetDrone: refuse,
    suspendRoute: refuse,
    settleRoute: async (request) => {
      settling.asked.push(request);
      return { outcome: await settling.answer(request) };
    },
    tailLogs: refuseStream,
    registerNode: async ({ node }) => {
      if (node) await registers(node);
      return { registration: 41 + registered.length, stops: [], proxies: undefined, ended: [] };
    },
    renewNode: async () => RenewNodeResponse.fromPartial({ verdict: RenewVerdict.GRANTED }),
  });
}

function certificateSource() {
  let present: Certificate | undefined;
  let changed = Promise.withResolvers<void>();
  const service = implement(CertificatesServiceService, {
    watchCertificates: async function* (_request, { signal }) {
      const left = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      while (!signal.aborted) {
        const next = changed.promise;
        if (present)
          yield {
            certificate: {
              domains: [`*.${DOMAIN}`],
              chainPem: present.certPem,
              keyPem: present.keyPem,
              notBefore: undefined,
              notAfter: undefined,
            },
          };
        await Promise.race([next, left]);
      }
    },
  });
  return {
    service,
    certify: (certificate: Certificate) => {
      present = certificate;
      changed.resolve();
      changed = Promise.withResolvers<void>();
    },
  };
}
