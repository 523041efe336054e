/** The stores of a scheduler over a real Redis, for tests of placements alone. */
import { randomBytes } from 'node:crypto';
import { newBackendId } from '@spawner/domain';
import { BackendStatus, SpecSummary } from '@spawner/proto/internal/backend_status';
import { Node, NodeKind } from '@spawner/proto/internal/node';
import type { StartLoad } from '@spawner/proto/internal/scheduler_service';
import { createLog } from '@spawner/service';
import { keysOf, openRedis, StoreEpoch } from '@spawner/store';
import { startRedis } from '@spawner/testkit';
import { BackendStore } from '../../services/scheduler/src/store/backend-store.ts';
import { NodeStore } from '../../services/scheduler/src/store/node-store.ts';
import { Replication } from '../../services/scheduler/src/store/replication.ts';

export async function placements() {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startRedis());
  const log = createLog('test', 'silent');
  const redis = await openRedis(server.url, log);
  stack.defer(() => redis.close());
  const keys = keysOf('test');
  const epoch = new StoreEpoch({ redis, keys, log, emptyStore: 'new' });
  const nodes = new NodeStore({ redis, keys, epoch });
  const backends = new BackendStore({ redis, keys, epoch, replication: new Replication(redis, epoch, 0) });
  const registrations = new Map<string, number>();

  const register = async (id: string, capacity: Partial<Node> = {}) => {
    const room = { cpuMillis: 100_000, memoryBytes: 1e12, backends: 1_000 };
    const node = Node.fromPartial({ kind: NodeKind.DRONE, id, ...room, ...capacity });
    const registration = await nodes.register(node);
    registrations.set(id, registration);
    await nodes.admit(id, registration);
  };
  const place = async (cpuMillis = 0) => {
    const id = newBackendId(randomBytes);
    const summary = SpecSummary.fromPartial({ image: 'image', cpuMillis });
    const placed = await backends.place({
      id,
      summary,
      created: new Date(),
      key: undefined,
      repeated: false,
    });
    return { id, ...placed, drone: placed.outcome === 'placed' ? placed.node.id : undefined };
  };
  const registrationOf = (id: string) => registrations.get(id) ?? 0;
  const kept = stack.move();
  return {
    ...{ nodes, backends, redis, keys, register, place },
    /** A renewal that tells the drone's starts. */
    renew: (id: string, starts?: Partial<StartLoad>) =>
      nodes.renew(
        NodeKind.DRONE,
        id,
        registrationOf(id),
        starts && { places: 2, pending: 0, room: 1_000, startMs: 0, ...starts },
      ),
    report: (drone: string, id: string, status: Partial<BackendStatus>) =>
      backends.report(drone, registrationOf(drone), BackendStatus.fromPartial({ id, ...status })),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
