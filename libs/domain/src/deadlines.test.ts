import { DEADLINES } from './deadlines.ts';

describe('DEADLINES', () => {
  it('lets a drone miss two renewals before it gets no new work', () => {
    expect(DEADLINES.renewalsMissed).toBeGreaterThan(2 * DEADLINES.renewEvery);
  });
  it('gives a placed backend up only after its drone had time to renew', () => {
    expect(DEADLINES.reservation).toBeGreaterThan(DEADLINES.call + 2 * DEADLINES.renewEvery);
  });
  it('lets every node register again before it believes that an emptied store is full', () => {
    expect(DEADLINES.refill).toBeGreaterThan(DEADLINES.call + 2 * DEADLINES.renewEvery);
  });
  it('lets an agent give an end up before anybody takes the withdrawal back from it', () => {
    expect(DEADLINES.settlement + DEADLINES.settle).toBeLessThan(DEADLINES.withdrawal);
    expect(DEADLINES.settle).toBeLessThan(DEADLINES.settlement);
  });
  it('forgets a proxy later than DNS stops naming it', () => {
    expect(DEADLINES.proxyForgotten).toBeGreaterThan(DEADLINES.renewalsMissed);
  });
});
