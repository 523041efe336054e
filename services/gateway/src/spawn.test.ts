import { AppError, DEADLINES, systemClock } from '@spawner/domain';
import {
  NotPlacedReason,
  SpawnBackendRequest,
  SpawnBackendResponse,
} from '@spawner/proto/internal/scheduler_service';
import { placeBackend } from './spawn.ts';

const ENDING = SpawnBackendResponse.fromPartial({
  outcome: {
    $case: 'notPlaced',
    value: {
      reason: NotPlacedReason.HOLDER_ENDING,
      sameId: true,
      retryAfterMs: 1,
      detail: 'the holder is ending',
    },
  },
});
const REFUSED = SpawnBackendResponse.fromPartial({
  outcome: {
    $case: 'notPlaced',
    value: { reason: NotPlacedReason.START_REFUSED, detail: 'drone a refused it' },
  },
});
const LOST = new AppError('deadline', 'no answer');

/** A scheduler that answers in this order, then places; and every request that it got. */
function schedulerThat(...answers: (SpawnBackendResponse | AppError)[]) {
  const asked: { id: string; repeated: boolean; timeoutMs: number }[] = [];
  const spawnBackend = async (
    { id, repeated }: SpawnBackendRequest,
    { timeoutMs = Number.POSITIVE_INFINITY } = {},
  ) => {
    asked.push({ id, repeated, timeoutMs });
    const answer = answers.shift();
    if (answer instanceof AppError) throw answer;
    return (
      answer ?? SpawnBackendResponse.fromPartial({ outcome: { $case: 'placed', value: { backend: { id } } } })
    );
  };
  return { asked, scheduler: { spawnBackend } };
}

function place(
  { scheduler }: ReturnType<typeof schedulerThat>,
  signal = new AbortController().signal,
  timeLeftMs = 10_000,
) {
  const { spec, key, reusePolicy } = SpawnBackendRequest.fromPartial({});
  let turn = 0;
  const randomBytes = (count: number) => new Uint8Array(count).fill(turn++);
  const parts = { scheduler, clock: systemClock, randomBytes, random: () => 0 };
  return placeBackend(parts, { spec, key, reusePolicy }, { signal, timeLeftMs: () => timeLeftMs });
}

describe('placeBackend', () => {
  it('repeats a lost call with the same id, and says so in every later call', async () => {
    const world = schedulerThat(LOST, ENDING);
    expect((await place(world)).backend.id).toBe(world.asked[0]?.id);
    expect(world.asked.map(({ repeated }) => repeated)).toEqual([false, true, true]);
    expect(new Set(world.asked.map(({ id }) => id)).size).toBe(1);
  });

  it('takes a new id after a drone refused the start', async () => {
    const world = schedulerThat(LOST, REFUSED);
    await place(world);
    expect(world.asked.map(({ repeated }) => repeated)).toEqual([false, true, false]);
    expect(new Set(world.asked.map(({ id }) => id)).size).toBe(2);
  });

  it('ends a repeated call, which may have to wait, with its caller', async () => {
    const world = schedulerThat(LOST);
    await place(world, undefined, 1_000);
    expect(world.asked[0]?.timeoutMs).toBe(DEADLINES.spawnCall);
    expect(world.asked[1]?.timeoutMs).toBeLessThanOrEqual(1_000);
  });

  it('makes no further call after its caller has left', async () => {
    const leaving = new AbortController();
    leaving.abort();
    const world = schedulerThat(REFUSED);
    await expect(place(world, leaving.signal)).rejects.toMatchObject({ message: 'drone a refused it' });
    expect(world.asked).toHaveLength(1);
  });
});
