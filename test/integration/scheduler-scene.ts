import { openBus } from '@spawner/bus';
import { systemClock } from '@spawner/domain';
import {
  AgentServiceExplainBackendResponse,
  AgentServiceService,
  type StartBackendRequest,
} from '@spawner/proto/internal/agent_service';
import { BackendStatus, InventoryEntry } from '@spawner/proto/internal/backend_status';
import { Node, NodeKind } from '@spawner/proto/internal/node';
import { SchedulerServiceService, SpawnBackendRequest } from '@spawner/proto/internal/scheduler_service';
import { createClient, implement, serveRpc } from '@spawner/rpc';
import { keysOf, openRedis, StoreEpoch } from '@spawner/store';
import type { Nats, Redis } from '@spawner/testkit';
import { expectComplaint, testLog } from '@spawner/testkit';
import { notPlacedError, resultOf } from '../../services/gateway/src/spawn-attempts.ts';
import { createMetrics } from '../../services/scheduler/src/metrics.ts';
import { agentClients } from '../../services/scheduler/src/placement/agents.ts';
import { Claims } from '../../services/scheduler/src/placement/claims.ts';
import { Scheduler } from '../../services/scheduler/src/scheduler.ts';
import { Replication } from '../../services/scheduler/src/store/replication.ts';

export const log = testLog();
// Drones of a scene fail calls on purpose, and their servers log it.
expectComplaint(/^a log said: call failed: no$/);
export const keys = keysOf('test');

export interface SceneOptions {
  emptyStore?: 'new' | 'wait';
  waitReplicas?: number;
  /** Secrets of the cluster. Nothing is signed without one. */
  secrets?: readonly string[];
}

/** A scheduler with a real Redis and NATS, and any number of drones that only record their orders. */
export async function scene(
  redis: Pick<Redis, 'url'>,
  nats: Nats,
  { emptyStore = 'new', waitReplicas = 0, secrets = [] }: SceneOptions = {},
) {
  const store = await openRedis(redis.url, log);
  const bus = await openBus(nats.url, 'test', log);
  const agents = agentClients();
  const claims = new Claims('test', secrets);
  const epoch = new StoreEpoch({ redis: store, keys, log, emptyStore });
  const replication = await Replication.open(store, epoch, waitReplicas);
  const program = new Scheduler({
    ...{ redis: store, keys, epoch, replication, bus, agents, claims, log },
    clock: systemClock,
    metrics: createMetrics(),
  });
  const server = await program.serve({ address: '127.0.0.1', port: 0 });
  const scheduler = createClient(SchedulerServiceService, `127.0.0.1:${server.port}`);
  const closing: (() => unknown)[] = [
    () => scheduler.close(),
    () => server.close(),
    () => agents.close(),
    () => bus.close(),
    () => replication.close(),
    () => store.close(),
  ];

  const drone = async (
    name: string,
    {
      capacity = {},
      takes = true,
      explains,
    }: {
      capacity?: object;
      takes?: boolean | ((request: StartBackendRequest) => Promise<void>);
      explains?: Parameters<typeof AgentServiceExplainBackendResponse.fromPartial>[0];
    } = {},
  ) => {
    const started: StartBackendRequest[] = [];
    const agent = implement(AgentServiceService, {
      startBackend: async (request) => {
        if (!takes) throw new Error('no');
        if (takes !== true) await takes(request);
        started.push(request);
        return {};
      },
      stopBackend: async () => ({}),
      listBackends: async () => ({ backends: [] }),
      explainBackend: async () => {
        if (!explains) throw new Error('no');
        return AgentServiceExplainBackendResponse.fromPartial(explains);
      },
      verifyBackend: async () => {
        throw new Error('no');
      },
      async *tailLogs({ id: of }) {
        yield { line: { stream: 1 as const, text: `log of ${of}` } };
      },
    });
    const agentServer = await serveRpc({ address: '127.0.0.1', port: 0, log, services: [agent] });
    closing.unshift(() => agentServer.close());
    const node = Node.fromPartial({
      kind: NodeKind.DRONE,
      id: name,
      rpcAddress: `127.0.0.1:${agentServer.port}`,
      cpuMillis: 4000,
      memoryBytes: 8e9,
      backends: 10,
      ...capacity,
    });
    let registration = 0;
    const register = async (...inventory: Parameters<typeof InventoryEntry.fromPartial>[0][]) => {
      const answer = await scheduler.registerNode({
        highestPlacement: 0,
        node,
        inventory: inventory.map((entry) => InventoryEntry.fromPartial(entry)),
      });
      registration = answer.registration;
      return answer;
    };
    await register();
    const renew = (...changed: Parameters<typeof BackendStatus.fromPartial>[0][]) =>
      scheduler.renewNode({
        kind: NodeKind.DRONE,
        id: name,
        registration,
        changed: changed.map((status) => BackendStatus.fromPartial(status)),
        proxiesVersion: 0,
      });
    return {
      ...{ started, renew, register, node },
      get registration() {
        return registration;
      },
    };
  };
  const proxy = (name: string, droneId = '') =>
    scheduler.registerNode({
      highestPlacement: 0,
      node: Node.fromPartial({ kind: NodeKind.PROXY, id: name, droneId }),
      inventory: [],
    });
  /** Advances the cluster clock, then handles what is due. */
  const pass = async (ms: number) => {
    await store.send(['HINCRBY', keys.clock, 'now', String(ms)]);
    await turn();
  };
  const turn = () => program.sweep();
  return {
    scheduler,
    /** One call, as a gateway sees it: rejects if nothing was placed. */
    spawn: async (request: Parameters<typeof SpawnBackendRequest.fromPartial>[0], timeoutMs?: number) => {
      const answer = await scheduler.spawnBackend(SpawnBackendRequest.fromPartial(request), { timeoutMs });
      const result = resultOf(answer);
      if (result.kind === 'not-placed') throw notPlacedError(result);
      return { backend: result.backend, spawned: result.kind === 'placed' };
    },
    drone,
    proxy,
    epoch,
    turn,
    pass,
    store,
    bus,
    backendStore: program.stores.backends,
    nodeStore: program.stores.nodes,
    [Symbol.asyncDispose]: async () => {
      for (const close of closing) await close();
    },
  };
}
