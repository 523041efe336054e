import { crankedClock } from '@spawner/testkit';
import { ActivityMemory } from './activity.ts';

const heartbeat = (
  id: string,
  activity: { openConnections: number; idleForMs: number; idleRemainingMs?: number },
) => ({
  droneId: 'd',
  cluster: 'here',
  backends: [{ id, activity }],
});

describe('ActivityMemory', () => {
  it('counts the time since it was heard', async () => {
    const clock = crankedClock();
    const memory = new ActivityMemory('here', clock);
    memory.take(heartbeat('a', { openConnections: 0, idleForMs: 1_000, idleRemainingMs: 2_500 }));
    await clock.advance(1_000);
    expect(memory.of('a')).toEqual({ openConnections: 0, idleForMs: 2_000, idleRemainingMs: 1_500 });
    await clock.advance(2_000);
    expect(memory.of('a')).toEqual({ openConnections: 0, idleForMs: 4_000, idleRemainingMs: 0 });
  });
  it('has no clock running for a backend in use, or one that never ends for idleness', () => {
    const memory = new ActivityMemory('here', crankedClock());
    memory.take(heartbeat('used', { openConnections: 2, idleForMs: 0 }));
    memory.take(heartbeat('kept', { openConnections: 0, idleForMs: 5 }));
    expect(memory.of('used')).toEqual({ openConnections: 2, idleForMs: 0 });
    expect(memory.of('kept')).toEqual({ openConnections: 0, idleForMs: 5, idleRemainingMs: undefined });
  });
  it('says nothing of what is older than 10 seconds, and forgets it at the next heartbeat', async () => {
    const clock = crankedClock();
    const memory = new ActivityMemory('here', clock);
    memory.take(heartbeat('a', { openConnections: 1, idleForMs: 0 }));
    await clock.advance(10_000);
    expect(memory.of('a')).toBeDefined();
    await clock.advance(1);
    expect(memory.of('a')).toBeUndefined();
    memory.take(heartbeat('b', { openConnections: 1, idleForMs: 0 }));
    expect(memory.size).toBe(1);
  });
  it('does not listen to another cluster on the same bus', () => {
    const memory = new ActivityMemory('here', crankedClock());
    memory.take({ ...heartbeat('a', { openConnections: 1, idleForMs: 0 }), cluster: 'there' });
    expect(memory.of('a')).toBeUndefined();
  });
});
