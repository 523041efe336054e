import { systemClock } from '@spawner/domain';
import { createLog } from '@spawner/service';
import type { Drone } from './drone.ts';
import { Reconciler } from './reconcile.ts';

describe('reconciling', () => {
  it('removes an unknown program though one backend cannot be inspected and another program cannot be removed', async () => {
    const there = new Set(['living', 'stuck', 'stranger']);
    const look = () => Promise.reject(new Error('500: no such task'));
    const remove = async (id: string) => {
      if (id === 'stuck') throw new Error('500: device or resource busy');
      there.delete(id);
    };
    const runtime = { list: async () => [...there], remove };
    const drone = { runtime, living: () => [{ id: 'living', look }] } as unknown as Drone;
    const reconciler = new Reconciler(drone, { clock: systemClock, log: createLog('test', 'silent') });
    for (let turn = 0; turn < 2; turn++) await expect(reconciler.all()).rejects.toThrow('no such task');
    expect([...there]).toEqual(['living', 'stuck']);
  });
});
