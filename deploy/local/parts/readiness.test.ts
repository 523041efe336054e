import { systemClock } from '@spawner/domain';
import { crankedClock } from '@spawner/testkit';
import { droneReady, listsReadyDrone, serviceReady } from './readiness.ts';

const drones = (...list: { id: string; state: string }[]) => JSON.stringify({ drones: list });
const signal = new AbortController().signal;

describe('readiness', () => {
  it('is polled until it is reached', async () => {
    const answers = [
      { status: 503, body: '{"waiting_for":["Redis"]}' },
      { status: 200, body: '{}' },
    ];
    const get = async () => answers.shift()!;
    await serviceReady('proxy', 'http://x', { clock: systemClock, signal, withinMs: 5_000, get });
    expect(answers).toEqual([]);
  });

  it('that is never reached is an error with the reasons', async () => {
    const clock = crankedClock();
    const get = async () => ({ status: 503, body: '{"waiting_for":["Redis"]}' });
    const waiting = serviceReady('proxy', 'http://x', { clock, signal, withinMs: 1_000, get });
    const failure = expect(waiting).rejects.toThrow(/proxy is not ready: .*Redis/);
    await clock.advance(2_000);
    await failure;
  });

  it('is not awaited after the stop has begun', async () => {
    const get = async () => Promise.reject(new Error('refused'));
    const aborted = AbortSignal.abort(new Error('stopping'));
    const waiting = { clock: systemClock, signal: aborted, withinMs: 60_000, get };
    await expect(droneReady('http://x', 'local', waiting)).rejects.toThrow('stopping');
  });

  it('of a drone is READY and nothing else', () => {
    expect(listsReadyDrone(drones({ id: 'local', state: 'READY' }), 'local')).toBe(true);
    expect(listsReadyDrone(drones({ id: 'local', state: 'UNREACHABLE' }), 'local')).toBe(false);
    expect(listsReadyDrone(drones({ id: 'other', state: 'READY' }), 'local')).toBe(false);
    expect(listsReadyDrone('{}', 'local')).toBe(false);
  });
});
