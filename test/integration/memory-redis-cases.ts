import type { BackendId } from '@spawner/domain';
import { Access } from '@spawner/proto/v1/backend';
import fc from 'fast-check';
import { commands } from './memory-redis-commands.ts';
import { keys, Node, NodeKind, type Side, SpecSummary, type Step } from './memory-redis-sides.ts';

const drone = fc.constantFrom('d0', 'd1', 'd2');
const proxy = fc.constantFrom('p0', 'p1');
const backend = fc.constantFrom('b0', 'b1', 'b2', 'b3', 'b4');
const key = fc.option(fc.constantFrom('k0', 'k1'), { nil: undefined });
const seldom = fc.integer({ min: 0, max: 9 }).map((number) => number === 0);
const often = seldom.map((no) => !no);
const state = fc.constantFrom(10, 20, 30, 40, 50, 50, 50, 50, 60, 70);
const ms = fc.constantFrom(0, 0, 1_000, 1_000, 3_000, 6_000, 10_001, 45_001, 600_001, 900_001);
/** A drone's starts, as a renewal tells them. */
const starts = fc.option(
  fc.record({
    places: fc.constantFrom(1, 2),
    pending: fc.constantFrom(0, 1, 9),
    room: fc.constantFrom(0, 1, 1_000, 1_000, 1_000),
    startMs: fc.constantFrom(0, 300, 5_000),
  }),
  { nil: undefined },
);
const NAMESPACE = { namespace: 'n', tag: '' };

/** Makes a step that prints as a call of its arguments. */
function step<A extends unknown[]>(
  name: string,
  args: { [K in keyof A]: fc.Arbitrary<A[K]> },
  take: (side: Side, ...args: A) => Promise<unknown>,
): fc.Arbitrary<Step> {
  return fc.tuple(...args).map((given) => ({
    name: `${name}(${given.map((each) => JSON.stringify(each)).join(', ')})`,
    take: (side) => take(side, ...(given as A)),
  }));
}

const registerProxy = (side: Side, id: string, droneId: string) =>
  side.register(Node.fromPartial({ kind: NodeKind.PROXY, id, droneId }));

const nodes = [
  step(
    'register drone',
    [
      drone,
      fc.constantFrom(500, 3_000, 8_000),
      fc.constantFrom(1, 3, 100),
      fc.constantFrom(undefined, 1, 2, 3),
    ],
    (side, id, cpuMillis, backends, sequence) => {
      const node = Node.fromPartial({ kind: NodeKind.DRONE, id, cpuMillis, memoryBytes: 8e9, backends });
      return side.register(node, sequence);
    },
  ),
  step('register proxy', [proxy, drone], registerProxy),
  step('admit', [drone, seldom, fc.constantFrom('', 'h:1', 'h:10')], (side, id, stale, address) =>
    side.nodes.admit(id, side.registration(id, stale), address),
  ),
  step('renew drone', [drone, seldom, starts], (side, id, stale, load) =>
    side.renew(NodeKind.DRONE, id, stale, load),
  ),
  step('renew proxy', [proxy, seldom], (side, id, stale) => side.renew(NodeKind.PROXY, id, stale)),
  step('unregister', [proxy, ms], (side, id, silent) => side.nodes.unregister(NodeKind.PROXY, id, silent)),
  step('lapse', [drone, fc.constantFrom('look', 'done')], (side, id, part) => side.nodes.lapse(id, part)),
  step('forget drone', [drone, ms], (side, id, silent) => side.nodes.forgetDrone(id, silent)),
  step('list', [], (side) => side.nodes.list(NodeKind.DRONE)),
  step('find', [proxy], (side, id) => side.nodes.find(NodeKind.PROXY, id)),
  step('use', [drone], (side, id) => side.nodes.use(id)),
  step('silence', [drone], (side, id) => side.nodes.silence(id)),
  step('miss', [drone], (side, id) => side.nodes.miss(id)),
];

/** A drone with room. Most other steps need one. */
const ready = step('ready', [drone, fc.constantFrom(5, 1_000)], async (side, id, backends) => {
  const node = Node.fromPartial({ kind: NodeKind.DRONE, id, cpuMillis: 8_000, memoryBytes: 8e9, backends });
  await side.nodes.admit(id, await side.register(node));
});

function placed(
  side: Side,
  id: string,
  cpuMillis: number,
  name: string | undefined,
  repeated: boolean,
  replicated = false,
) {
  const access = id === 'b4' ? Access.PUBLIC : Access.TOKEN;
  const pages = id === 'b3' ? { redirectUrl: 'https://a.test/' } : undefined;
  const summary = { cpuMillis, memoryBytes: 1e8, image: 'image', labels: { a: 'é' }, access, pages };
  const given = name === undefined ? undefined : { ...NAMESPACE, name };
  return (replicated ? side.replicated : side.backends).place({
    ...{ id, key: given, repeated, created: new Date(1_700_000_000_000) },
    summary: SpecSummary.fromPartial(summary),
  });
}

const place = step('place', [backend, fc.constantFrom(100, 333, 2_000), key, fc.boolean(), seldom], placed);

/** Places a backend and reports it as ready: only such a backend can be suspended. */
const serve = step('serve', [backend, key], async (side, id, name) => {
  const { outcome } = await placed(side, id, 100, name, false);
  const record = await side.backends.get(id);
  return { outcome: `${outcome}, ${record && (await side.report(id, record.drone, 50, 5, false))}` };
});

/** A report by the backend's own drone, which is usually taken. */
const report = step(
  'report',
  [backend, state, fc.integer({ min: 1, max: 9 }), seldom],
  async (side, id, to, revision, stale) => {
    const record = await side.backends.get(id);
    return side.report(id, record?.drone ?? 'd0', to, revision, stale);
  },
);

const suspend = step('suspend', [backend, seldom], async (side, id, stale) => {
  const record = await side.backends.get(id);
  return side.suspend(id, record?.drone ?? 'd0', stale);
});

const settle = step('settle', [backend, fc.boolean(), seldom], (side, id, end, wrong) =>
  side.settle(id, end, wrong),
);

const backends = [
  step(
    'report by any',
    [backend, drone, state, fc.integer({ min: 1, max: 9 })],
    (side, id, by, to, revision) => side.report(id, by, to, revision, false),
  ),
  step(
    'restore',
    [backend, drone, state, fc.integer({ min: -3, max: 9 }), key],
    (side, id, by, to, placement, name) => side.restore(id, by, to, placement, name),
  ),
  step('handed', [backend], (side, id) => side.handed(id)),
  step('stop', [backend, seldom], (side, id, force) => side.stop(id, force)),
  step(
    'abandon',
    [backend, fc.constantFrom('any', 'unreported'), ms, fc.constantFrom('anybody', 'now', 'before')],
    (side, id, when, silent, by) => side.abandon(id, when, silent, by),
  ),
  step('forget', [backend], (side, id) => side.backends.forget(id)),
  step('get', [backend], (side, id) => side.backends.get(id)),
  step('holder', [fc.constantFrom('k0', 'k1')], (side, name) => side.backends.holder({ ...NAMESPACE, name })),
  step('living', [drone], async (side, id) => (await side.backends.living(id)).sort()),
  step(
    'page',
    [fc.constantFrom(Number.POSITIVE_INFINITY, 9_000_000_000_000_009), fc.integer({ min: 1, max: 3 })],
    (side, before, count) => side.backends.page(before, count),
  ),
];

const token = fc.constantFrom('t0', 't1', 't2');
const user = fc.constantFrom('', 'ada', 'bob');

const tokens = [
  step(
    'grant token',
    [backend, token, user, fc.constantFrom(1_000, 900_000), fc.constantFrom(2, 100)],
    (side, id, tokenId, of, ttlMs, most) =>
      side.tokens.create({ backendId: id as BackendId, tokenId, user: of, claims: '', ttlMs }, most),
  ),
  step('revoke token', [backend, token], (side, id, tokenId) =>
    side.tokens.revoke(id as BackendId, { tokenId }),
  ),
  step('revoke tokens', [backend, user, fc.boolean()], (side, id, of, all) =>
    side.tokens.revoke(id as BackendId, all ? {} : { user: of }),
  ),
  step('expire token', [backend, token], (side, id, tokenId) => side.tokens.expire(tokenId, id)),
  step('backend of token', [token], (side, tokenId) => side.tokens.backendOf(tokenId)),
];

/** Sequences that single steps would seldom come to. Each is named after its last step. */
const stories = [
  step('abandon', [backend], async (side, id) => {
    await placed(side, id, 100, undefined, false);
    return side.abandon(id, 'any', 0, 'anybody');
  }),
  step('restore', [backend, drone, drone], async (side, id, by, again) => {
    await side.restore(id, by, 30, 1, undefined);
    return side.restore(id, again, 30, 1, undefined);
  }),
  step('settle', [backend], async (side, id) => {
    await placed(side, id, 100, undefined, false);
    const by = (await side.backends.get(id))?.drone ?? 'd0';
    await side.report(id, by, 50, 5, false);
    await side.suspend(id, by, false);
    return side.settle(id, true, false);
  }),
  step('report', [backend], async (side, id) => {
    const by = (await side.backends.get(id))?.drone ?? 'd0';
    await side.report(id, by, 70, 9, false);
    return side.report(id, by, 70, 9, false);
  }),
  step('miss', [drone], async (side, id) => {
    await side.redis.send(['HINCRBY', keys.clock, 'now', '6001']);
    return side.nodes.miss(id);
  }),
  step('place', [fc.constantFrom('k0', 'k1')], async (side, name) => {
    await placed(side, 'b0', 100, name, false);
    await side.stop('b0', true);
    return placed(side, 'b1', 100, name, false);
  }),
];

const confirm = step('confirm', [backend, seldom], (side, id, stale) => side.confirm(id, stale));

/** The store gets another run id. */
const replacements = [
  step('keep copy', [], (side) => side.keepCopy()),
  step('restart', [], (side) => side.replace('its data')),
  step('older copy', [], (side) => side.replace('an older copy')),
];

const time = [
  step('sweep', [often], (side, advances) => side.sweep(advances)),
  step('pass', [ms], (side, passed) => side.redis.send(['HINCRBY', keys.clock, 'now', String(passed)])),
];

/** Weighted, so that sequences reach most outcomes. */
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: place },
  { weight: 6, arbitrary: serve },
  { weight: 10, arbitrary: report },
  { weight: 6, arbitrary: suspend },
  { weight: 4, arbitrary: settle },
  { weight: 6, arbitrary: fc.oneof(...nodes) },
  { weight: 8, arbitrary: fc.oneof(...backends) },
  { weight: 6, arbitrary: fc.oneof(...tokens) },
  { weight: 4, arbitrary: fc.oneof(...time) },
  { weight: 4, arbitrary: fc.oneof(...stories) },
  { weight: 4, arbitrary: confirm },
  { weight: 3, arbitrary: fc.oneof(...replacements) },
  { weight: 2, arbitrary: ready },
  { weight: 18, arbitrary: commands },
);

const empty: Step = { name: 'empty()', take: (side) => side.empty() };

/** Up to 60 steps, with drones and a proxy to begin with; some stores are emptied in between. */
export const sequences: fc.Arbitrary<Step[]> = fc
  .tuple(
    fc.array(ready, { minLength: 1, maxLength: 3 }),
    step('register proxy', [proxy, drone], registerProxy),
    fc.array(anyStep, { minLength: 5, maxLength: 54, size: 'max' }),
    fc.option(fc.nat(200), { nil: 200 }),
  )
  .map(([drones, proxy, steps, emptied]) => [
    ...drones,
    proxy,
    ...steps.toSpliced(emptied, 0, ...(emptied < steps.length ? [empty, ...drones] : [])),
  ]);
