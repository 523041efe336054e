import { InventoryEntry } from '@spawner/proto/internal/backend_status';
import { Node, NodeKind } from '@spawner/proto/internal/node';
import { RenewNodeRequest } from '@spawner/proto/internal/scheduler_service';
import { BackendState } from '@spawner/proto/v1/backend';
import { createLog } from '@spawner/service';
import { crankedClock } from '@spawner/testkit';
import { createMetrics } from '../metrics.ts';
import { Claims } from '../placement/claims.ts';
import { Nodes } from './nodes.ts';

const node = (kind: NodeKind) => Node.fromPartial({ kind, id: 'a' });
const inventory = (count: number) =>
  Array.from({ length: count }, (_, index) => InventoryEntry.fromPartial({ status: { id: `b${index}` } }));

/** Nodes over a store that answers a little later, and writes down what is asked of it. */
function scene(reported = 'old') {
  const seen = { underWay: 0, most: 0, restored: 0, calls: [] as string[], listed: [] as NodeKind[] };
  const slowly = async <T>(answer: T): Promise<T> => {
    seen.most = Math.max(seen.most, ++seen.underWay);
    await new Promise((resolve) => setImmediate(resolve));
    seen.underWay--;
    return answer;
  };
  const nodeStore = {
    register: async () => 7,
    admit: async () => void seen.calls.push(`admit after ${seen.restored}`),
    renew: async () => ({ granted: true, stops: [] }),
    list: async (kind: NodeKind) => {
      seen.listed.push(kind);
      return kind === NodeKind.PROXY ? [{ node: node(kind), renewalAge: 0 }] : [];
    },
  };
  const backendStore = {
    restore: async () => {
      seen.restored++;
      return slowly('old');
    },
    report: () => slowly(reported),
    living: async () => [],
  };
  const clock = crankedClock();
  const nodes = new Nodes({
    ...{ nodes: nodeStore as never, store: backendStore as never, announce: async () => {} },
    ...{ claims: new Claims('test', []), clock, log: createLog('test', 'silent') },
    metrics: createMetrics(),
  });
  return { nodes, seen, clock };
}

describe('a registration', () => {
  it('takes a large inventory many lines at a time, but not all at once, and gives work only after the last', async () => {
    const { nodes, seen } = scene();
    await nodes.register(node(NodeKind.DRONE), inventory(1_000));
    expect(seen.calls).toEqual(['admit after 1000']);
    expect(seen.most).toBeGreaterThan(8);
    expect(seen.most).toBeLessThanOrEqual(16);
  });

  it('has no more lines under way for a hundred drones at once than for one', async () => {
    const { nodes, seen } = scene();
    const drones = Array.from({ length: 100 }, () => nodes.register(node(NodeKind.DRONE), inventory(20)));
    await Promise.all(drones);
    expect([seen.restored, seen.most]).toEqual([2_000, 16]);
  });

  it('restores a keyed backend that runs, and stops one that has not started: its key may have had a later holder', async () => {
    const { nodes, seen } = scene('unknown');
    const key = { namespace: 'n', name: 'a', tag: '' };
    const entry = (id: string, state: BackendState) =>
      InventoryEntry.fromPartial({ key, status: { id, state } });
    const { stops } = await nodes.register(node(NodeKind.DRONE), [
      entry('created', BackendState.STARTING),
      entry('running', BackendState.WAITING),
    ]);
    expect(seen.restored).toBe(1);
    expect(stops.map(({ id }) => id)).toEqual(['created']);
  });
});

describe('a renewal', () => {
  const renewal = (kind: NodeKind, change: object = {}) =>
    RenewNodeRequest.fromPartial({ kind, id: 'a', registration: 7, ...change });

  it('tells dns of the proxies, once, and a drone never', async () => {
    const { nodes } = scene();
    await nodes.refreshProxies();
    const told = await nodes.renew(renewal(NodeKind.DNS));
    expect(told.proxies?.proxies).toHaveLength(1);
    const proxiesVersion = told.proxies?.version ?? 0;
    expect((await nodes.renew(renewal(NodeKind.DNS, { proxiesVersion }))).proxies).toBeUndefined();
    expect((await nodes.renew(renewal(NodeKind.DRONE))).proxies).toBeUndefined();
    expect((await nodes.register(node(NodeKind.DRONE), [])).proxies).toBeUndefined();
  });

  it('hands many reports on without filling the queue to the store', async () => {
    const { nodes, seen } = scene();
    const changed = inventory(1_000).map(({ status }) => status!);
    await nodes.renew(renewal(NodeKind.DRONE, { changed }));
    expect(seen.most).toBeGreaterThan(8);
    expect(seen.most).toBeLessThanOrEqual(16);
  });

  it('has no more reports under way for a hundred drones at once than for one', async () => {
    const { nodes, seen } = scene();
    const changed = inventory(20).map(({ status }) => status!);
    const drones = Array.from({ length: 100 }, () => nodes.renew(renewal(NodeKind.DRONE, { changed })));
    await Promise.all(drones);
    expect(seen.most).toBe(16);
  });
});

describe('silent nodes that no other node asks for', () => {
  it('are looked for at once and then once a minute, so that a cluster at rest asks the store little', async () => {
    const { nodes, seen, clock } = scene();
    for (let second = 0; second <= 60; second++) {
      await nodes.forgetOthers();
      await clock.advance(1_000);
    }
    expect(seen.listed).toEqual([
      ...[NodeKind.DNS, NodeKind.CERTIFICATES],
      ...[NodeKind.DNS, NodeKind.CERTIFICATES],
    ]);
  });
});
