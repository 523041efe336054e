import { confirmRoute, keysOf, openRedis, type Redis } from '@spawner/store';
import { startRedis, testLog } from '@spawner/testkit';

const keys = keysOf('test');
const LOG = 7;

describe('confirmRoute', () => {
  let stack: AsyncDisposableStack;
  let redis: Redis;

  const ask = () => confirmRoute(redis, keys, 'a', LOG);
  const epoch = (...fields: string[]) => redis.send(['HSET', keys.epoch, ...fields]);

  beforeAll(async () => {
    stack = new AsyncDisposableStack();
    const server = stack.use(await startRedis());
    redis = await openRedis(server.url, testLog());
    stack.defer(() => redis.close());
  });
  afterAll(() => stack.disposeAsync());

  /** A store that knows every node, and no route. */
  beforeEach(async () => {
    await redis.send(['FLUSHALL']);
    const run = /run_id:(\w+)/.exec(String(await redis.send(['INFO', 'server'])))?.[1] ?? '';
    await epoch('epoch', '5', 'run', run, 'until', '0');
    await redis.send(['HSET', keys.routeHead, 'epoch', String(LOG), 'n', '1']);
    await redis.send(['HSET', keys.clock, 'now', '1000']);
  });

  it('finds a route that the table lacks', async () => {
    await redis.send(['HSET', keys.routes, 'a', 'a route']);
    expect(await ask()).toBe('known');
  });

  it('believes a store that knows every node', async () => {
    expect(await ask()).toBe('absent');
  });

  it('does not believe a store that was emptied', async () => {
    await redis.send(['FLUSHALL']);
    expect(await ask()).toBe('unsure');
  });

  it('does not believe a process that does not have the epoch of its data', async () => {
    await epoch('run', 'another');
    expect(await ask()).toBe('unsure');
  });

  it('does not believe a store in whose window nodes may be missing', async () => {
    await epoch('until', '1001');
    expect(await ask()).toBe('unsure');
  });

  it('does not believe a store while a drone is awaited, until it returns or is given up', async () => {
    await epoch('await/drone/d1', '1', 'await/proxy/p1', '1', 'awaited', '2');
    expect(await ask()).toBe('unsure');
    await redis.send(['HDEL', keys.epoch, 'await/drone/d1']);
    expect(await ask()).toBe('absent');
  });

  it('does not believe a store that the table does not follow', async () => {
    await redis.send(['HSET', keys.routeHead, 'epoch', '8']);
    expect(await ask()).toBe('unsure');
  });

  it('is unsure if the store cannot be asked', async () => {
    const away = { ...redis, send: () => Promise.reject(new Error('away')) };
    expect(await confirmRoute(away, keys, 'a', LOG)).toBe('unsure');
  });
});
