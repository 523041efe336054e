/** Real agents in this process over an engine that only takes its time, with a scheduler, Redis and NATS that are real. */
import type { Bus } from '@spawner/bus';
import { Membership, type SchedulerClient } from '@spawner/cluster';
import { systemClock } from '@spawner/domain';
import { Node, NodeKind } from '@spawner/proto/internal/node';
import { serveRpc } from '@spawner/rpc';
import { tempDir, testLog } from '@spawner/testkit';
import { Agent } from '../../services/agent/src/agent.ts';
import { StartQueue } from '../../services/agent/src/lifecycle/start-queue.ts';
import { createMetrics } from '../../services/agent/src/metrics.ts';
import type { Runtime } from '../../services/agent/src/runtime/runtime.ts';
import { StateDir } from '../../services/agent/src/state/state-dir.ts';

export interface DelayedDroneOptions {
  readonly id: string;
  /** The time of each start. */
  readonly startMs: number;
  readonly atOnce?: number;
  /** The most starts that may wait. */
  readonly most?: number;
}

export interface DelayedDrone extends AsyncDisposable {
  readonly agent: Agent;
  readonly starts: StartQueue;
  /** Ids of the containers that were ever created, in their order. */
  readonly created: readonly string[];
}

const LOCAL = { host: '127.0.0.1', port: 1 };

/** An engine whose containers need this long to start, and answer at once. */
function delayedRuntime(startMs: number, created: string[], ending: AbortSignal): Runtime {
  const running = new Set<string>();
  const untilAborted = (signal: AbortSignal) => systemClock.sleep(2 ** 30, signal).catch(() => {});
  return {
    kind: 'docker',
    pull: async () => {},
    create: async ({ id }) => void created.push(id),
    start: async (id) => {
      await systemClock.sleep(startMs, ending).catch(() => {});
      running.add(id);
      return { local: LOCAL };
    },
    signal: async (id) => running.has(id),
    remove: async (id) => void running.delete(id),
    inspect: async (id) =>
      running.has(id) ? { is: 'running', endpoints: { local: LOCAL } } : { is: 'absent' },
    // biome-ignore lint/correctness/useYield: these programs write nothing.
    async *logs(_id, { signal }) {
      await untilAborted(signal);
    },
    // biome-ignore lint/correctness/useYield: these programs use nothing.
    async *stats(_id, signal) {
      await untilAborted(signal);
    },
    established: async () => 0,
    list: async () => [...running],
    watch: async (_changed, signal) => untilAborted(signal),
    close: () => {},
  };
}

export async function delayedDrone(
  scheduler: SchedulerClient,
  bus: Bus,
  { id, startMs, atOnce = 2, most }: DelayedDroneOptions,
): Promise<DelayedDrone> {
  await using stack = new AsyncDisposableStack();
  const log = testLog();
  const clock = systemClock;
  const state = stack.adopt(await tempDir(id), (dir) => dir.stop());
  const ending = new AbortController();
  const loops: Promise<void>[] = [];
  const app = {
    own: <T extends { close(): unknown }>(part: T): T =>
      stack.adopt(part, async (owned) => void owned.close()),
    every: (_what: string, everyMs: number, work: (signal: AbortSignal) => Promise<void>) => {
      const { signal } = ending;
      const turn = async () => {
        while (!signal.aborted) {
          await work(signal).catch(
            (error: unknown) => signal.aborted || log.error({ error }, 'a loop failed'),
          );
          await clock.sleep(everyMs, signal).catch(() => {});
        }
      };
      loops.push(turn());
    },
  };
  const created: string[] = [];
  const starts = new StartQueue({ atOnce, clock, ...(most === undefined ? {} : { most }) });
  const agent = new Agent(app, {
    ...{ droneId: id, cluster: 'test', boot: 'boot', starts, clock, log },
    state: new StateDir(state.path),
    runtime: delayedRuntime(startMs, created, ending.signal),
    metrics: createMetrics(),
    attempt: async () => true,
  });
  const server = await serveRpc({ address: '127.0.0.1', port: 0, log, services: [agent.service] });
  stack.defer(() => server.close());
  const node = Node.fromPartial({
    ...{
      kind: NodeKind.DRONE,
      id,
      region: 'local',
      runtime: 'docker',
      rpcAddress: `127.0.0.1:${server.port}`,
    },
    ...{ cpuMillis: 64_000, memoryBytes: 1e12, backends: 1_000 },
  });
  const membership = new Membership(scheduler, agent.member(node), clock, log);
  agent.join(membership);
  agent.connectBus(bus, scheduler);
  stack.defer(async () => {
    ending.abort(new Error('the test is over'));
    await Promise.all(loops);
  });
  const kept = stack.move();
  return { agent, starts, created, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}
