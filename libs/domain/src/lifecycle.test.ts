import { edgeAnswer, isLiving, STATES, supersedes } from './lifecycle.ts';

describe('supersedes', () => {
  const ready = { state: STATES.READY, revision: 5 };
  it('takes a later state with a later revision', () => {
    expect(supersedes({ state: STATES.TERMINATING, revision: 6 }, ready)).toBe(true);
  });
  it('ignores a doubled report', () => {
    expect(supersedes(ready, ready)).toBe(false);
  });
  it('never moves back, however new the report', () => {
    expect(supersedes({ state: STATES.WAITING, revision: 9 }, ready)).toBe(false);
  });
  it('takes news of the same state in order', () => {
    expect(supersedes({ state: STATES.READY, revision: 6 }, ready)).toBe(true);
    expect(supersedes({ state: STATES.READY, revision: 4 }, ready)).toBe(false);
  });
  it('changes nothing after the end', () => {
    expect(
      supersedes({ state: STATES.TERMINATED, revision: 9 }, { state: STATES.TERMINATED, revision: 7 }),
    ).toBe(false);
  });
});

describe('edgeAnswer', () => {
  it('holds before ready, forwards when ready, is gone from the first sign of the end', () => {
    expect(Object.values(STATES).map(edgeAnswer)).toEqual([
      'hold',
      'hold',
      'hold',
      'hold',
      'forward',
      'gone',
      'gone',
    ]);
  });
});

describe('isLiving', () => {
  it('holds capacity until the very end', () => {
    expect(Object.values(STATES).filter((state) => !isLiving(state))).toEqual([STATES.TERMINATED]);
  });
});
