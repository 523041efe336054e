import { AppError } from '@spawner/domain';
import { NotPlacedReason, SpawnBackendResponse } from '@spawner/proto/internal/scheduler_service';
import { Backend } from '@spawner/proto/v1/backend';
import { type CallResult, FIRST_ATTEMPT, nextAttempt, resultOf } from './spawn-attempts.ts';

const backend = Backend.fromPartial({ id: 'a' });
const lost: CallResult = { kind: 'unknown', error: new AppError('deadline', 'no answer') };
const notPlaced = (reason: NotPlacedReason, sameId: boolean, retryAfterMs = 0): CallResult => ({
  ...{ kind: 'not-placed', reason, sameId, retryAfterMs, detail: 'the reason in words' },
});
const refused = notPlaced(NotPlacedReason.START_REFUSED, false);
const ending = notPlaced(NotPlacedReason.HOLDER_ENDING, true, 100);
const next = (result: CallResult, attempt: Partial<typeof FIRST_ATTEMPT> = {}, timing: object = {}) =>
  nextAttempt(
    result,
    { ...FIRST_ATTEMPT, ...attempt },
    { elapsedMs: 0, leftMs: 5_000, random: () => 0.5, ...timing },
  );

describe('nextAttempt', () => {
  it('answers with the placed backend or the holder of the key', () => {
    expect(next({ kind: 'placed', backend })).toEqual({ kind: 'answer', backend, spawned: true });
    expect(next({ kind: 'held', backend })).toEqual({ kind: 'answer', backend, spawned: false });
  });

  it('fails with the error of the scheduler', () => {
    const error = new AppError('invalid', 'spec is required');
    expect(next({ kind: 'failed', error })).toEqual({ kind: 'fail', error });
  });

  it('repeats a lost call once with the same id, and says that it is repeated', () => {
    const again = next(lost);
    expect(again).toMatchObject({
      kind: 'call',
      id: 'same',
      attempt: { ids: 1, repeated: true, afterLoss: true },
    });
    expect(next(lost, { repeated: true, afterLoss: true })).toMatchObject({ kind: 'fail' });
  });

  it('repeats a lost call again after an answer in between', () => {
    const waited = next(ending, { repeated: true, afterLoss: true });
    expect(waited).toMatchObject({ attempt: { repeated: true, afterLoss: false } });
    expect(next(lost, { repeated: true, afterLoss: false })).toMatchObject({ kind: 'call', id: 'same' });
  });

  it('does not repeat a lost call after the caller’s time is up', () => {
    expect(next(lost, {}, { leftMs: 0 })).toMatchObject({ kind: 'fail', error: { code: 'deadline' } });
  });

  it.each([NotPlacedReason.START_REFUSED, NotPlacedReason.NOT_REPLICATED])(
    'tries a new id after an abandoned placement (%d), three in all and none later than 15 s',
    (reason) => {
      const abandoned = notPlaced(reason, false);
      const second = next(abandoned, { ids: 1, repeated: true });
      expect(second).toMatchObject({
        kind: 'call',
        id: 'new',
        attempt: { ids: 2, repeated: false },
        afterMs: 0,
      });
      expect(next(abandoned, { ids: 2 }, { elapsedMs: 14_999 })).toMatchObject({ attempt: { ids: 3 } });
      expect(next(abandoned, { ids: 3 })).toMatchObject({ kind: 'fail', error: { code: 'unavailable' } });
      expect(next(refused, { ids: 1 }, { elapsedMs: 15_000 })).toMatchObject({ kind: 'fail' });
    },
  );

  it.each([NotPlacedReason.HOLDER_ENDING, NotPlacedReason.HOLDER_UNKNOWN])(
    'tries the same id after the pause that the scheduler names (%d) while there is time for a call',
    (reason) => {
      const wait = notPlaced(reason, true, 100);
      expect(next(wait, {}, { leftMs: 201 })).toMatchObject({ kind: 'call', id: 'same', afterMs: 100 });
      expect(next(wait, {}, { leftMs: 200 })).toMatchObject({
        kind: 'fail',
        error: { code: 'unavailable', message: 'the reason in words' },
      });
    },
  );

  it('fails at once if no drone has room', () => {
    expect(next(notPlaced(NotPlacedReason.NO_ROOM, true))).toMatchObject({
      kind: 'fail',
      error: { code: 'exhausted', message: 'the reason in words' },
    });
  });
});

describe('resultOf', () => {
  it('refuses a response without an outcome or without its backend', () => {
    expect(() => resultOf({})).toThrow('without an outcome');
    expect(() =>
      resultOf(SpawnBackendResponse.fromPartial({ outcome: { $case: 'placed', value: {} } })),
    ).toThrow('without a backend');
  });
});
