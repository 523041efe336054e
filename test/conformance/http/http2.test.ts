import { makeAuthority } from '@spawner/testkit';
import { DOMAIN } from '../../integration/proxy-fixture.ts';
import { type Edge, isCertified, startEdge } from './edge.ts';
import { runHttp2 } from './http2-course.ts';
import type { Payload } from './payload.ts';
import { HTTP2 } from './payloads/http2.ts';
import { tableOf } from './table.ts';
import { type Trial, tryAllWith } from './trials.ts';
import { complaint, essence } from './verdict.ts';

const AT_ONCE = 8;
let fast: ReadonlyMap<Payload, Trial>;
let general: ReadonlyMap<Payload, Trial>;

beforeAll(async () => {
  await using stack = new AsyncDisposableStack();
  const authority = stack.use(await makeAuthority());
  const certificate = await authority.issue([`*.${DOMAIN}`]);
  const env = { SPAWNER_PROXY_HTTPS: 'true', SPAWNER_PROXY_REDIRECT_TO_HTTPS: 'false' };
  const edges: Edge[] = [
    stack.use(await startEdge('fast path', AT_ONCE, env)),
    stack.use(await startEdge('general path', AT_ONCE, env)),
  ];
  const columns = await Promise.all(
    edges.map(async ({ name, world, courses }) => {
      world.certify(certificate);
      await isCertified(world.httpsPort, courses[0]?.host ?? '');
      const trials = await tryAllWith(courses, HTTP2, (course, payload) =>
        runHttp2(course, world.httpsPort, payload),
      );
      return { name, trials };
    }),
  );
  process.stdout.write(`${tableOf({ 'HTTP/2': HTTP2 }, columns)}\n`);
  fast = columns[0]?.trials ?? new Map();
  general = columns[1]?.trials ?? new Map();
});

it.each(HTTP2)('$name: $right', (payload) => {
  const [one, other] = [fast.get(payload), general.get(payload)];
  if (!one || !other) throw new Error('was not tried');
  expect([complaint(payload, one), complaint(payload, other)]).toEqual([undefined, undefined]);
  expect(essence(one)).toEqual(essence(other));
});
