import { crankedClock } from '@spawner/testkit';
import { HoldQueue } from './hold-queue.ts';

const present = () => new AbortController().signal;
const holds = (limits = { heldPerBackend: 2, heldTotal: 3 }) => {
  const clock = crankedClock();
  return { clock, holds: new HoldQueue(clock, limits) };
};

describe('HoldQueue', () => {
  it('releases the requests that wait for a backend, and no others', async () => {
    const { holds: room } = holds();
    const [a, b] = [room.wait('a', 1_000, present()), room.wait('a', 1_000, present())];
    const other = room.wait('b', 1_000, present());
    room.release('a');
    expect(await Promise.all([a, b])).toEqual(['released', 'released']);
    expect([room.count('a'), room.count('b'), room.total]).toEqual([0, 1, 1]);
    room.release('b');
    expect(await other).toBe('released');
  });

  it('ends a wait when its time is up, not before', async () => {
    const { clock, holds: room } = holds();
    const wait = room.wait('a', 1_000, present());
    await clock.advance(999);
    expect(room.count('a')).toBe(1);
    await clock.advance(1);
    expect(await wait).toBe('timeout');
    expect([room.total, clock.sleeping]).toEqual([0, 0]);
  });

  it('frees the place of a client that leaves', async () => {
    const { clock, holds: room } = holds();
    const client = new AbortController();
    const wait = room.wait('a', 1_000, client.signal);
    client.abort();
    expect(await wait).toBe('left');
    expect([room.total, clock.sleeping]).toEqual([0, 0]);
    expect(await room.wait('a', 1_000, client.signal)).toBe('left');
  });

  it('has so many places for a backend, and so many in all', async () => {
    const { holds: room } = holds();
    const waits = ['a', 'a', 'b'].map((id) => room.wait(id, 1_000, present()));
    expect(await room.wait('c', 1_000, present())).toBe('full');
    room.release('b');
    await waits[2];
    expect(await room.wait('a', 1_000, present())).toBe('full');
    const next = room.wait('c', 1_000, present());
    room.close();
    expect(await Promise.all([...waits, next])).toEqual(['closed', 'closed', 'released', 'closed']);
  });

  it('refuses requests after it was closed', async () => {
    const { holds: room } = holds();
    room.close();
    expect(await room.wait('a', 1_000, present())).toBe('closed');
  });
});
