/** The list of proxies that DNS servers get: a restarted scheduler must not shorten it. */
import { Node, NodeKind } from '@spawner/proto/internal/node';
import { type Nats, type Redis, startNats, startRedis } from '@spawner/testkit';
import { scene } from './scheduler-scene.ts';

type Scene = Awaited<ReturnType<typeof scene>>;

describe('the list of proxies', () => {
  let redis: Redis;
  let nats: Nats;
  beforeAll(async () => {
    [redis, nats] = await Promise.all([startRedis(), startNats()]);
  });
  afterAll(async () => {
    await redis?.stop();
    await nats?.stop();
  });
  beforeEach(() => redis.flush());

  const idsOf = (list: { proxies: readonly Node[] } | undefined) => list?.proxies.map(({ id }) => id);
  const register = ({ scheduler }: Scene) => {
    const node = Node.fromPartial({ kind: NodeKind.DNS, id: 'dns' });
    return scheduler.registerNode({ node, inventory: [], highestPlacement: 0 });
  };
  const renew = ({ scheduler }: Scene, registration: number, proxiesVersion: number) =>
    scheduler.renewNode({
      kind: NodeKind.DNS,
      id: 'dns',
      registration,
      changed: [],
      proxiesVersion,
    });

  it('is whole from the first answer of a scheduler on', async () => {
    await using before = await scene(redis, nats);
    await before.proxy('p');
    const { registration, proxies } = await register(before);
    expect(idsOf(proxies)).toEqual(['p']);
    await using after = await scene(redis, nats);
    expect((await renew(after, registration, proxies!.version)).proxies).toBeUndefined();
    await using third = await scene(redis, nats);
    expect(idsOf((await register(third)).proxies)).toEqual(['p']);
  });
});
