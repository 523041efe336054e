import { DEADLINES } from './deadlines.ts';

/** The clocks of two machines differ in speed by no more than this. */
const SLOW = 0.9;
const FAST = 1.1;

describe('DEADLINES', () => {
  it('gives a drone no new work after exactly three missed renewals', () => {
    expect(DEADLINES.renewalsMissed).toBe(3 * DEADLINES.renewEvery);
  });

  it('ends every strict holder of a key before the key is given away, at clock speeds from 0.9 to 1.1', () => {
    // In true time: the slowest agent's clock against the fastest cluster clock.
    const [stopped, killed] = [DEADLINES.leaseStop / SLOW, DEADLINES.leaseKill / SLOW];
    const givenAway = DEADLINES.leaseGiveAway / FAST;
    // A kill takes time as well: the agent looks four times a second, and the engine needs longer.
    const killing = 5_000;
    expect(stopped).toBeLessThan(killed);
    expect(killed + killing).toBeLessThan(givenAway);
    expect(DEADLINES.renewalsMissed).toBeLessThan(DEADLINES.leaseStop);
    expect(DEADLINES.droneForgotten).toBeGreaterThan(DEADLINES.leaseGiveAway);
  });

  it('advances the cluster clock by less than any lease, and repeats what is due only after several turns', () => {
    expect(DEADLINES.clockTurn).toBeLessThanOrEqual(DEADLINES.renewEvery);
    expect(DEADLINES.dueAgain).toBeGreaterThan(2 * DEADLINES.clockTurn);
    expect(DEADLINES.dueAgain).toBeLessThan(DEADLINES.reservation);
  });

  it('lets a scheduler answer before its gateway stops waiting, and both before the reservation ends', () => {
    expect(DEADLINES.start + 2_000).toBeLessThan(DEADLINES.spawnCall);
    expect(DEADLINES.call).toBeLessThan(DEADLINES.spawnCall);
    expect(DEADLINES.spawnCall / SLOW).toBeLessThan(DEADLINES.reservation / FAST);
  });

  it('abandons a placement only after its drone had time to renew', () => {
    expect(DEADLINES.reservation).toBeGreaterThan(DEADLINES.call + 2 * DEADLINES.renewEvery);
  });

  it('lets every node register again before it considers a store complete', () => {
    expect(DEADLINES.refill).toBeGreaterThan(DEADLINES.call + 2 * DEADLINES.renewEvery);
  });

  it('lets an activity report get lost twice before its agent stops believing it', () => {
    expect(DEADLINES.activityFresh).toBe(3 * DEADLINES.activityReport);
  });

  it('lets an agent abandon an idle shutdown before the route is restored without it', () => {
    expect(DEADLINES.settlement + DEADLINES.settle).toBeLessThan(DEADLINES.suspension);
    expect(DEADLINES.settle).toBeLessThan(DEADLINES.settlement);
  });

  it('keeps a new store epoch open longer than any suspension of the store before it lasts', () => {
    expect(DEADLINES.leaseGiveAway).toBeGreaterThan(DEADLINES.suspension + DEADLINES.settlement);
  });

  it('lets every node register again, and miss a renewal, while a new store epoch is open', () => {
    expect(DEADLINES.leaseGiveAway).toBeGreaterThan(2 * (DEADLINES.call + DEADLINES.renewEvery));
  });

  it('forgets a proxy later than DNS stops naming it', () => {
    expect(DEADLINES.proxyForgotten).toBeGreaterThan(DEADLINES.renewalsMissed);
  });

  it('lets an address rest for longer than any proxy connects to it unasked', () => {
    // The proxy's clock is the slowest, the agent's the fastest. A confirmation may be as old as it may be.
    const trusted = (DEADLINES.routesTrusted + DEADLINES.verify + DEADLINES.verified) / SLOW;
    expect(DEADLINES.addressRest / FAST).toBeGreaterThan(trusted);
  });

  it('keeps what users were promised', () => {
    expect(DEADLINES).toMatchObject({
      leaseStop: 25_000,
      leaseKill: 30_000,
      leaseGiveAway: 45_000,
      droneForgotten: 10 * 60_000,
      retention: 15 * 60_000,
      addressRest: 15 * 60_000,
      routesTrusted: 10 * 60_000,
      streamHeartbeat: 15_000,
    });
  });
});
