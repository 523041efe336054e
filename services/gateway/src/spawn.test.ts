import { AppError, systemClock } from '@spawner/domain';
import { SpawnBackendRequest, SpawnBackendResponse } from '@spawner/proto/internal/scheduler_service';
import type { Scheduler } from './scheduler.ts';
import { placeBackend } from './spawn.ts';

/** A scheduler that fails with these errors, one call after the other, then answers; with what it was asked. */
function schedulerThatFails(...errors: AppError[]) {
  const asked: { id: string; repeated: boolean }[] = [];
  const spawnBackend = async ({ id, repeated }: SpawnBackendRequest) => {
    asked.push({ id, repeated });
    const error = errors.shift();
    if (error) throw error;
    return SpawnBackendResponse.fromPartial({ backend: { id }, spawned: true });
  };
  return { asked, scheduler: { spawnBackend } as Partial<Scheduler> as Scheduler };
}

const place = (scheduler: Scheduler) => {
  const { spec, key, reusePolicy } = SpawnBackendRequest.fromPartial({});
  let turn = 0;
  const randomBytes = (count: number) => new Uint8Array(count).fill(turn++);
  const parts = { scheduler, clock: systemClock, randomBytes };
  return placeBackend(parts, { spec, key, reusePolicy }, new AbortController().signal, 10_000);
};

describe('placeBackend', () => {
  it('says of a call that it is made again under the same id, and goes on saying so', async () => {
    const { asked, scheduler } = schedulerThatFails(
      new AppError('deadline', 'no answer'),
      new AppError('unavailable', 'the holder of the key may not be known yet'),
    );
    await place(scheduler);
    expect(asked.map(({ repeated }) => repeated)).toEqual([false, true, true]);
    expect(new Set(asked.map(({ id }) => id)).size).toBe(1);
  });

  it('begins anew with another id where a drone did not take the backend', async () => {
    const { asked, scheduler } = schedulerThatFails(
      new AppError('unavailable', 'drone a did not take the backend'),
    );
    await place(scheduler);
    expect(asked.map(({ repeated }) => repeated)).toEqual([false, false]);
    expect(new Set(asked.map(({ id }) => id)).size).toBe(2);
  });
});
