import { type Edge, startEdge } from './edge.ts';
import type { Payload } from './payload.ts';
import { GROUPS } from './payloads/index.ts';
import { type Reference, startHaproxy, startNginx } from './references.ts';
import { type Column, tableOf } from './table.ts';
import { type Trial, tryAll } from './trials.ts';
import { complaint } from './verdict.ts';

const AT_ONCE = 12;
const payloads = Object.values(GROUPS).flat();
let fast: ReadonlyMap<Payload, Trial>;
let general: ReadonlyMap<Payload, Trial>;

beforeAll(async () => {
  await using stack = new AsyncDisposableStack();
  const proxies: (Edge | Reference)[] = [
    stack.use(await startEdge('fast path', AT_ONCE)),
    stack.use(await startEdge('general path', AT_ONCE)),
    stack.use(await startNginx(AT_ONCE)),
    stack.use(await startHaproxy(AT_ONCE)),
  ];
  const columns: Column[] = [];
  for (const { name, courses } of proxies) columns.push({ name, trials: await tryAll(courses, payloads) });
  process.stdout.write(`${tableOf(GROUPS, columns)}\n`);
  fast = columns[0]?.trials ?? new Map();
  general = columns[1]?.trials ?? new Map();
});

describe.each(Object.entries(GROUPS))('%s', (_group, some) => {
  it.each(some)('$name: $right', (payload) => {
    const [one, other] = [fast.get(payload), general.get(payload)];
    if (!one || !other) throw new Error('was not tried');
    expect([complaint(payload, one), complaint(payload, other)]).toEqual([undefined, undefined]);
    if (one.outcome === 'waits' || other.outcome === 'waits') return;
    expect({ outcome: one.outcome, told: one.told }).toEqual({ outcome: other.outcome, told: other.told });
  });
});

it('has at least 150 payloads, each under a name of its own', () => {
  expect(payloads.length).toBeGreaterThanOrEqual(150);
  expect(new Set(payloads.map(({ name }) => name)).size).toBe(payloads.length);
});
