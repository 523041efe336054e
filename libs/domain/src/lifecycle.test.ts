import { isLiving, STATES } from './lifecycle.ts';

describe('isLiving', () => {
  it('holds capacity until TERMINATED', () => {
    expect(Object.values(STATES).filter((state) => !isLiving(state))).toEqual([STATES.TERMINATED]);
  });
});
