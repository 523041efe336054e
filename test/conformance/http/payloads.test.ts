import { type Edge, type EdgePath, startEdge } from './edge.ts';
import { isRefusal, type Payload } from './payload.ts';
import { HTTP2 } from './payloads/http2.ts';
import { GROUPS } from './payloads/index.ts';
import { type Reference, startHaproxy, startNginx } from './references.ts';
import { type Column, tableOf } from './table.ts';
import { type Trial, tryAll } from './trials.ts';
import { complaint, essence } from './verdict.ts';

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
    expect(essence(one)).toEqual(essence(other));
  });
});

describe.each<EdgePath>(['fast path', 'general path'])('by the %s', (path) => {
  it('answers an incomplete request with 408 when its time is up, and closes', async () => {
    const limits = { SPAWNER_PROXY_HEAD_TIMEOUT_MS: '400', SPAWNER_PROXY_BODY_TIMEOUT_MS: '400' };
    await using edge = await startEdge(path, AT_ONCE, limits);
    const incomplete = payloads
      .filter(({ right, script }) => right === 'waits' && !script)
      .map((payload): Payload => ({ ...payload, right: 'refused', status: 408 }));
    expect(incomplete.length).toBeGreaterThan(5);
    const trials = await tryAll(edge.courses, incomplete);
    for (const [payload, trial] of trials)
      expect([payload.name, complaint(payload, trial)]).toEqual([payload.name, undefined]);
  });
});

it('refuses with 400 to 499, 501 or 505 only', () => {
  const odd = [...payloads, ...HTTP2].filter(
    ({ right, status, end }) =>
      right === 'refused' && (end ?? 'answer') === 'answer' && !isRefusal(status ?? 0),
  );
  expect(odd.map(({ name }) => name)).toEqual([]);
});

it('has at least 150 payloads, each with its own name', () => {
  expect(payloads.length).toBeGreaterThanOrEqual(150);
  expect(new Set(payloads.map(({ name }) => name)).size).toBe(payloads.length);
});
