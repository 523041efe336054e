/** An agent as a real program, with a scheduler that records its reports, and proxies whose answers the test sets. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { type Bus, openBus, SUBJECTS } from '@spawner/bus';
import { newBackendId } from '@spawner/domain';
import { AgentServiceService } from '@spawner/proto/internal/agent_service';
import type { BackendStatus, InventoryEntry } from '@spawner/proto/internal/backend_status';
import { Node, NodeKind } from '@spawner/proto/internal/node';
import {
  RenewVerdict,
  SchedulerServiceService,
  SettleOutcome,
  type StopOrder,
} from '@spawner/proto/internal/scheduler_service';
import type { ProxyActivity } from '@spawner/proto/internal/telemetry';
import { type BackendKey, BackendSpec, BackendState } from '@spawner/proto/v1/backend';
import { createClient, type Handlers, implement, type RpcClient, serveRpc } from '@spawner/rpc';
import {
  eventually,
  type Program,
  startNats,
  startProgram,
  type TempDir,
  tempDir,
  testLog,
} from '@spawner/testkit';

const log = testLog();
const MAIN = join(__dirname, '../../services/agent/src/main.ts');

/** The state that a scheduler has in its store. */
export interface FakeScheduler {
  readonly port: number;
  node: Node | undefined;
  registrations: number;
  /** The inventory of the latest registration. */
  inventory: readonly InventoryEntry[];
  /** The latest report of each backend, and every state that was reported. */
  readonly statuses: Map<string, BackendStatus>;
  proxies: Node[];
  /** By backend: its latest suspension, and the outcomes of all of them, in order. */
  readonly suspensions: Map<string, { epoch: number; state: 'suspended' | 'open' | 'ended'; past: string[] }>;
  /** Resumes a route, as a proxy does for a held request. */
  resume(id: string, epoch: number): SettleOutcome;
  /** Sent with every answer until the test removes them. */
  stops: StopOrder[];
  /** Answer the next renewal like a scheduler that does not know the drone. */
  forget: boolean;
  /** Whether ended backends are acknowledged, so that the agent may forget them. */
  acknowledgeEnds: boolean;
  close(): Promise<void>;
}

export async function startFakeScheduler(): Promise<FakeScheduler> {
  let registration = 1_000;
  let version = 1;
  let listed = '';
  const take = (status: BackendStatus | undefined) => {
    const before = status && scheduler.statuses.get(status.id);
    if (status && (!before || before.revision < status.revision)) scheduler.statuses.set(status.id, status);
  };
  const proxyList = () => {
    const now = JSON.stringify(scheduler.proxies);
    if (now !== listed) version += 1;
    listed = now;
    return { version, proxies: scheduler.proxies };
  };
  const handlers: Partial<Handlers<typeof SchedulerServiceService>> = {
    registerNode: async ({ node, inventory }) => {
      scheduler.node = node;
      scheduler.inventory = inventory;
      scheduler.registrations += 1;
      registration += 1;
      for (const { status } of inventory) take(status);
      return { registration, stops: scheduler.stops, proxies: proxyList(), ended: [] };
    },
    renewNode: async (request) => {
      if (scheduler.forget || request.registration !== registration) {
        scheduler.forget = false;
        return { verdict: RenewVerdict.REGISTER, stops: [], ended: [] };
      }
      for (const status of request.changed) take(status);
      const over = [...scheduler.statuses.values()].filter(({ state }) => state === BackendState.TERMINATED);
      const ended = scheduler.acknowledgeEnds ? over.map(({ id }) => id) : [];
      return { verdict: RenewVerdict.GRANTED, stops: scheduler.stops, ended, proxies: proxyList() };
    },
  };
  const settle = (id: string, epoch: number, end: boolean) => {
    const suspension = scheduler.suspensions.get(id);
    if (!suspension) return SettleOutcome.UNSPECIFIED;
    if (suspension.state === 'ended') return SettleOutcome.ENDED;
    if (suspension.state === 'open' || suspension.epoch !== epoch) return SettleOutcome.OPEN;
    suspension.state = end ? 'ended' : 'open';
    suspension.past.push(suspension.state);
    return end ? SettleOutcome.ENDED : SettleOutcome.OPEN;
  };
  let epoch = 0;
  const settling: Partial<Handlers<typeof SchedulerServiceService>> = {
    suspendRoute: async ({ backendId, droneId, registration: of }) => {
      const before = scheduler.suspensions.get(backendId);
      const open = scheduler.statuses.get(backendId)?.state === BackendState.READY;
      if (of !== registration || !open || (before && before.state !== 'open'))
        return { suspended: false, epoch: 0, proxies: [] };
      epoch += 1;
      scheduler.suspensions.set(backendId, { epoch, state: 'suspended', past: before?.past ?? [] });
      return {
        suspended: true,
        epoch,
        proxies: scheduler.proxies.filter((proxy) => proxy.droneId === droneId),
      };
    },
    settleRoute: async ({ backendId, epoch: of, end }) => ({ outcome: settle(backendId, of, end) }),
  };
  const unused = async () => {
    throw new Error('not part of this scheduler');
  };
  const all = Object.fromEntries(Object.keys(SchedulerServiceService).map((name) => [name, unused]));
  const service = implement(SchedulerServiceService, { ...all, ...handlers, ...settling } as Handlers<
    typeof SchedulerServiceService
  >);
  const server = await serveRpc({ address: '127.0.0.1', port: 0, log, services: [service] });
  const scheduler: FakeScheduler = {
    port: server.port,
    node: undefined,
    registrations: 0,
    inventory: [],
    statuses: new Map(),
    proxies: [],
    suspensions: new Map(),
    resume: (id, of) => settle(id, of, false),
    stops: [],
    forget: false,
    acknowledgeEnds: true,
    close: () => server.close(),
  };
  return scheduler;
}

export interface AgentWorld extends AsyncDisposable {
  readonly scheduler: FakeScheduler;
  readonly bus: Bus;
  readonly state: TempDir;
  agent: Program;
  client: RpcClient<typeof AgentServiceService>;
  /** Starts a backend and returns its id. */
  place(spec: Partial<BackendSpec>, key?: BackendKey, placement?: number): Promise<string>;
  /** Resolves with the report when the backend is in this state. */
  reaches(id: string, state: BackendState, timeoutMs?: number): Promise<BackendStatus>;
  stop(id: string, order?: Partial<StopOrder>): Promise<void>;
  /** kill -9 of the agent, then a new one over the same state. */
  crash(): Promise<void>;
  restart(): Promise<void>;
  /** A proxy of this drone. Its answer can be changed at any time. */
  addProxy(id: string): FakeProxy;
}

export interface FakeProxy {
  answer: Omit<ProxyActivity, 'id'> | undefined;
  held: number;
  asked: string[];
  /** Called with each question before it is answered. */
  onAsked: (id: string, epoch: number) => void;
  report(id: string, open: number, ageMs?: number): void;
}

/** Starts NATS, a scheduler and an agent. `env` is the agent's; `prefix` is a command that runs the agent's command. */
export async function startAgentWorld(
  env: Record<string, string>,
  prefix: readonly string[] = [],
): Promise<AgentWorld> {
  const nats = await startNats();
  const scheduler = await startFakeScheduler();
  const state = await tempDir('agent');
  const bus = await openBus(nats.url, 'test', log);
  const start = async () => {
    const before = scheduler.registrations;
    const [command = '', ...args] = [...prefix, process.execPath, MAIN];
    const program = await startProgram({
      command,
      args,
      env: {
        SPAWNER_CLUSTER: `test-${process.pid}`,
        SPAWNER_NATS_URL: nats.url,
        SPAWNER_SCHEDULER_ADDRESS: `127.0.0.1:${scheduler.port}`,
        SPAWNER_AGENT_PORT: '0',
        SPAWNER_AGENT_ADMIN_PORT: '0',
        SPAWNER_AGENT_STATE_DIR: state.path,
        ...env,
      },
      ready: (line) => line.includes('"started"'),
    });
    await eventually(() => scheduler.registrations > before);
    return program;
  };
  const connect = () => createClient(AgentServiceService, scheduler.node?.rpcAddress ?? '');
  const agent = await start();
  let registered = 0;
  const registration = async () => {
    // The scheduler's counter of registrations is also the agent's tick.
    registered = 1_000 + scheduler.registrations;
    return registered;
  };
  const dispose = async () => {
    world.client.close();
    await world.agent.stop();
    await bus.close();
    await scheduler.close();
    await nats.stop();
    await state.stop();
  };
  const world: AgentWorld = {
    scheduler,
    bus,
    state,
    agent,
    client: connect(),
    place: async (spec, key, placement = 7) => {
      const id = newBackendId(randomBytes);
      await world.client.startBackend({
        id,
        registration: await registration(),
        placement,
        createTime: new Date(),
        spec: BackendSpec.fromPartial({ image: 'spawner/probe:latest', ...spec }),
        key,
      });
      return id;
    },
    reaches: (id, wanted, timeoutMs = 60_000) =>
      eventually(
        () => {
          const status = scheduler.statuses.get(id);
          if (status?.state === wanted) return status;
          throw new Error(`state ${status?.state}, detail ${JSON.stringify(status?.endDetail)}`);
        },
        { timeoutMs },
      ),
    stop: async (id, order = {}) => {
      await world.client.stopBackend({ id, force: false, reason: 3, ...order });
    },
    crash: async () => {
      world.client.close();
      await world.agent.kill();
    },
    restart: async () => {
      world.agent = await start();
      world.client = connect();
    },
    addProxy: (id) => {
      const droneId = scheduler.node?.id ?? '';
      const proxy: FakeProxy = {
        answer: { open: 0, ageMs: 3_600_000 },
        held: 0,
        asked: [],
        onAsked: () => {},
        report: (backend, open, ageMs = 0) =>
          bus.publish(SUBJECTS.activity, droneId, {
            proxyId: id,
            registration: 1,
            backends: [{ id: backend, open, ageMs }],
          }),
      };
      bus.answer(SUBJECTS.settle, id, ({ id: backend, epoch }) => {
        proxy.asked.push(backend);
        proxy.onAsked(backend, epoch);
        const { answer, held } = proxy;
        return { activity: answer && { id: backend, ...answer }, held, registration: 1, unused: false };
      });
      scheduler.proxies.push(Node.fromPartial({ kind: NodeKind.PROXY, id, droneId, registration: 1 }));
      return proxy;
    },
    [Symbol.asyncDispose]: dispose,
  };
  return world;
}

export function statesOf({ events }: BackendStatus): BackendState[] {
  return events.map(({ state }) => state);
}
