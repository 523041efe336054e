import { randomBytes } from 'node:crypto';
import { mapBounded, newBackendId } from '@spawner/domain';
import { SpecSummary } from '@spawner/proto/internal/backend_status';
import { Node, NodeKind } from '@spawner/proto/internal/node';
import { createLog } from '@spawner/service';
import { keysOf, openRedis, StoreEpoch } from '@spawner/store';
import { startRedis } from '@spawner/testkit';
import { BackendStore } from '../../services/scheduler/src/store/backend-store.ts';
import { NodeStore } from '../../services/scheduler/src/store/node-store.ts';
import { Replication } from '../../services/scheduler/src/store/replication.ts';

/** As many as one placement considers (place.lua). */
const MOST_CONSIDERED = 1_024;

describe('a placement', () => {
  let stack: AsyncDisposableStack;
  let nodes: NodeStore;
  let backends: BackendStore;

  beforeEach(async () => {
    stack = new AsyncDisposableStack();
    const server = stack.use(await startRedis());
    const log = createLog('test', 'silent');
    const redis = await openRedis(server.url, log);
    stack.defer(() => redis.close());
    const keys = keysOf('test');
    const epoch = new StoreEpoch({ redis, keys, log, emptyStore: 'new' });
    nodes = new NodeStore({ redis, keys, epoch });
    const replication = new Replication(redis, epoch, 0);
    backends = new BackendStore({ redis, keys, epoch, replication });
  });
  afterEach(() => stack.disposeAsync());

  const place = (cpuMillis: number) => {
    const summary = SpecSummary.fromPartial({ image: 'image', cpuMillis });
    const id = newBackendId(randomBytes);
    return backends.place({ id, summary, created: new Date(), key: undefined, repeated: false });
  };

  async function drone(id: string, cpuMillis: number): Promise<void> {
    const node = Node.fromPartial({ kind: NodeKind.DRONE, id, cpuMillis, memoryBytes: 1e9, backends: 10 });
    await nodes.admit(id, await nodes.register(node));
  }

  /** One drone with room and a load, behind `count` idle ones that are too small. */
  async function behind(count: number): Promise<void> {
    await drone('large', 1_000);
    await place(100);
    const names = Array.from({ length: count }, (_, index) => `small-${index}`);
    await mapBounded(names, 32, (name) => drone(name, 10));
  }

  it.each([31, 32, 40, 100])('finds the one drone with room behind %d that have none', async (count) => {
    await behind(count);
    expect(await place(100)).toMatchObject({ outcome: 'placed', node: { id: 'large' } });
  });

  it('considers the least loaded 1,024 drones, and says that it found no room among those', async () => {
    await behind(MOST_CONSIDERED - 1);
    expect(await place(100)).toMatchObject({ outcome: 'placed', node: { id: 'large' } });
    await drone('another', 10);
    expect(await place(100)).toEqual({
      outcome: 'none',
      known: MOST_CONSIDERED,
      stale: 0,
      full: MOST_CONSIDERED,
    });
  });
});
