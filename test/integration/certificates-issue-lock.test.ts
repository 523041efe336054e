import { systemClock } from '@spawner/domain';
import { keysOf, openRedis, type Redis as Store } from '@spawner/store';
import { crankedClock, eventually, type Redis, startRedis, testLog } from '@spawner/testkit';
import { IssueLock } from '../../services/certificates/src/store/issue-lock.ts';

const log = testLog();
const key = keysOf('test').certificatesLease;
const never = new AbortController().signal;

describe('the issue lock', () => {
  let redis: Redis;
  let store: Store;
  beforeAll(async () => {
    redis = await startRedis();
    store = await openRedis(redis.url, log);
  });
  afterAll(async () => {
    await store?.close();
    await redis?.stop();
  });
  beforeEach(() => redis.flush());

  const expiry = async () => Number(await store.send(['PTTL', key]));

  it('is held by one service at a time, and expires', async () => {
    const [one, two] = [new IssueLock(store, key, systemClock), new IssueLock(store, key, systemClock)];
    expect([await one.take(), await two.take()]).toEqual([true, false]);
    expect(await expiry()).toBeGreaterThan(25_000);
    await one.release(0);
    expect(await two.take()).toBe(true);
  });

  it('is released or extended only by its holder', async () => {
    const [one, two] = [new IssueLock(store, key, systemClock), new IssueLock(store, key, systemClock)];
    await one.take();
    await two.release(0);
    expect(await two.take()).toBe(false);
    await one.release(5_000);
    expect(await expiry()).toBeLessThanOrEqual(5_000);
    expect(await two.take()).toBe(false);
  });

  it('is extended while the work runs', async () => {
    const clock = crankedClock();
    const lock = new IssueLock(store, key, clock);
    await lock.take();
    const done = Promise.withResolvers<string>();
    const work = lock.whileHeld(never, () => done.promise);
    await store.send(['PEXPIRE', key, '9000']);
    await clock.advance(10_000);
    await eventually(async () => expect(await expiry()).toBeGreaterThan(25_000));
    done.resolve('done');
    expect(await work).toBe('done');
    expect(clock.sleeping).toBe(0);
  });

  it('stops the work if it is lost', async () => {
    const clock = crankedClock();
    const lock = new IssueLock(store, key, clock);
    await lock.take();
    const stopped = lock.whileHeld(
      never,
      (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    );
    await store.send(['SET', key, 'another holder']);
    await clock.advance(10_000);
    await expect(stopped).rejects.toThrow('the issue lock was lost');
    expect(String(await store.send(['GET', key]))).toBe('another holder');
  });
});
