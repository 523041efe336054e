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
  it('ends every strict holder of a key before its key is given away, with clocks at 0.9 and 1.1 of their speed', () => {
    // In true time: the slowest agent's clock, and the fastest cluster clock.
    const [stopped, killed] = [DEADLINES.leaseStop / 0.9, DEADLINES.leaseKill / 0.9];
    const givenAway = DEADLINES.leaseGiveAway / 1.1;
    // A kill takes its time too: the agent looks four times a second, the engine needs some more.
    const killing = 5_000;
    expect(stopped).toBeLessThan(killed);
    expect(killed + killing).toBeLessThan(givenAway);
    expect(DEADLINES.renewalsMissed).toBeLessThan(DEADLINES.leaseStop);
    expect(DEADLINES.droneForgotten).toBeGreaterThan(DEADLINES.leaseGiveAway);
  });
  it('lets an agent give an end up before anybody takes the withdrawal back from it', () => {
    expect(DEADLINES.settlement + DEADLINES.settle).toBeLessThan(DEADLINES.withdrawal);
    expect(DEADLINES.settle).toBeLessThan(DEADLINES.settlement);
  });
  it('keeps a new store epoch open for longer than anybody remembers a withdrawal of the store before it', () => {
    expect(DEADLINES.leaseGiveAway).toBeGreaterThan(DEADLINES.withdrawal + DEADLINES.settlement);
  });
  it('lets every node register again, and miss a renewal, within the time of a new store epoch', () => {
    expect(DEADLINES.leaseGiveAway).toBeGreaterThan(2 * (DEADLINES.call + DEADLINES.renewEvery));
  });
  it('forgets a proxy later than DNS stops naming it', () => {
    expect(DEADLINES.proxyForgotten).toBeGreaterThan(DEADLINES.renewalsMissed);
  });
});
