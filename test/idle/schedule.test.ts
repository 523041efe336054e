import { DRAWN, scheduleOf, VANISHING } from './schedule.ts';

const many = (seed: number) => Array.from({ length: 1_000 }, (_, number) => scheduleOf(seed, number, false));

describe('a schedule', () => {
  it('is the same for the same seed and number, and another for any other', () => {
    expect(scheduleOf(1, 7, false)).toEqual(scheduleOf(1, 7, false));
    expect(scheduleOf(1, 7, false)).not.toEqual(scheduleOf(1, 8, false));
    expect(scheduleOf(1, 7, false)).not.toEqual(scheduleOf(2, 7, false));
  });

  it('has every kind of use among a thousand, on every proxy, and gaps below, about and above the timeout', () => {
    const schedules = many(1);
    const uses = schedules.flatMap(({ steps }) => steps.flatMap((step) => step.uses));
    expect(new Set(uses.map(({ kind }) => kind))).toEqual(new Set(DRAWN));
    expect(new Set(uses.map(({ proxy }) => Math.floor(proxy * 3)))).toEqual(new Set([0, 1, 2]));
    const beyond = schedules.flatMap(({ idleTimeoutMs, steps }) =>
      steps.slice(1).map(({ afterMs }) => afterMs - idleTimeoutMs),
    );
    for (const [from, to] of [
      [-3_000, -150],
      [-150, 0],
      [0, 350],
      [350, 1_500],
    ] as const)
      expect(beyond.filter((each) => each >= from && each < to).length).toBeGreaterThan(50);
    expect(uses.filter(({ forMs }) => forMs > 1_000).length).toBeGreaterThan(200);
  });

  it('of a peer that vanishes has that use alone', () => {
    const kinds = [0, 1].map((number) =>
      scheduleOf(1, number, true).steps.map(({ uses }) => uses.map(({ kind }) => kind)),
    );
    expect(kinds).toEqual(VANISHING.map((kind) => [[kind]]));
  });
});
