import { startUpstream, type Upstream } from '@spawner/testkit';
import { DOMAIN } from './proxy-fixture.ts';
import { startThreeWays, type ThreeWays, WAYS } from './proxy-three-ways.ts';

describe.each(WAYS)("the paths of the admin port on users' hosts, by %s", (way) => {
  let ways: ThreeWays;
  let upstream: Upstream;
  beforeAll(async () => {
    upstream = await startUpstream();
    ways = await startThreeWays();
  });
  afterAll(async () => {
    await ways?.[Symbol.asyncDispose]();
    await upstream?.stop();
  });

  it.each(['/healthz', '/readyz', '/metrics'])('%s is its backend’s', async (path) => {
    const { host } = await ways.world.backend(upstream);
    // The upstream knows no such path.
    expect(await ways.get(way, host, path)).toMatchObject({ status: 404 });
    expect(upstream.seen.at(-1)).toBe(`GET ${path}`);
  });

  it.each(['/healthz', '/readyz', '/metrics'])('%s of a host that is not known is 404', async (path) => {
    const before = upstream.seen.length;
    for (const host of [`${'a'.repeat(26)}.${DOMAIN}`, DOMAIN, 'other.test'])
      expect((await ways.get(way, host, path)).status).toBe(404);
    expect(upstream.seen.length).toBe(before);
  });
});
