import { systemClock } from '@spawner/domain';
import { createLog } from '@spawner/service';
import { keysOf, openRedis, type Redis as Store } from '@spawner/store';
import { crankedClock, eventually, type Redis, startRedis } from '@spawner/testkit';
import { IssueLock } from '../../services/certificates/src/issue-lock.ts';

const log = createLog('test', 'silent');
const key = keysOf('test').certificatesLease;
const never = new AbortController().signal;

describe('the lease to issue', () => {
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

  it('is one service’s at a time, and goes by itself', async () => {
    const [one, two] = [new IssueLock(store, key, systemClock), new IssueLock(store, key, systemClock)];
    expect([await one.take(), await two.take()]).toEqual([true, false]);
    expect(await expiry()).toBeGreaterThan(25_000);
    await one.leave(0);
    expect(await two.take()).toBe(true);
  });

  it('is left or extended by its holder alone', async () => {
    const [one, two] = [new IssueLock(store, key, systemClock), new IssueLock(store, key, systemClock)];
    await one.take();
    await two.leave(0);
    expect(await two.take()).toBe(false);
    await one.leave(5_000);
    expect(await expiry()).toBeLessThanOrEqual(5_000);
    expect(await two.take()).toBe(false);
  });

  it('is extended while the work goes on', async () => {
    const clock = crankedClock();
    const lease = new IssueLock(store, key, clock);
    await lease.take();
    const done = Promise.withResolvers<string>();
    const work = lease.whileHeld(never, () => done.promise);
    await store.send(['PEXPIRE', key, '9000']);
    await clock.advance(10_000);
    await eventually(async () => expect(await expiry()).toBeGreaterThan(25_000));
    done.resolve('done');
    expect(await work).toBe('done');
    expect(clock.sleeping).toBe(0);
  });

  it('stops the work where it is lost', async () => {
    const clock = crankedClock();
    const lease = new IssueLock(store, key, clock);
    await lease.take();
    const stopped = lease.whileHeld(
      never,
      (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    );
    await store.send(['SET', key, 'somebody else']);
    await clock.advance(10_000);
    await expect(stopped).rejects.toThrow('the lease to issue was lost');
    expect(String(await store.send(['GET', key]))).toBe('somebody else');
  });
});
