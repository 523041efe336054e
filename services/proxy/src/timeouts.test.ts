import { DEADLINES, SPEC_DEFAULTS } from '@spawner/domain';
import { KEEP_ALIVE, TCP_KEEP_ALIVE, TIMEOUTS } from './timeouts.ts';

/** Node's servers close a connection without a request after this long unless told otherwise. */
const NODE_SERVER_IDLE = 5_000;
/** The idle time of AWS, Google and nginx load balancers unless told otherwise. */
const LOAD_BALANCER_IDLE = 60_000;
const DEFAULT_DRAIN = 10_000;

describe('the durations of the edge', () => {
  it('close idle connections after the other side does', () => {
    expect(TIMEOUTS.clientIdle).toBeGreaterThan(LOAD_BALANCER_IDLE);
    expect(TIMEOUTS.http2Idle).toBeGreaterThan(TIMEOUTS.clientIdle);
    expect(KEEP_ALIVE).toBe(`timeout=${TIMEOUTS.clientIdle / 1_000}`);
  });

  it('stop using a connection before the backend closes it', () => {
    expect(TIMEOUTS.upstreamIdle).toBeLessThan(NODE_SERVER_IDLE);
    expect(TIMEOUTS.upstreamIdleMargin).toBeLessThan(TIMEOUTS.upstreamIdle);
  });

  it('wait longer for the end of a WebSocket than for that of a plain connection', () =>
    expect(TIMEOUTS.tunnelLinger).toBeGreaterThan(TIMEOUTS.clientLinger));

  it('hold a request whose backend waits for its start for as long as the image may take', () =>
    expect(TIMEOUTS.queueHold).toBeGreaterThanOrEqual(SPEC_DEFAULTS.pullTimeoutMs));

  it('let an unanswered handshake keep its backend alive for a minute at most', () =>
    expect(TIMEOUTS.handshakeAnswer).toBeLessThanOrEqual(60_000));

  it('notice what is late within its own length', () => {
    expect(TIMEOUTS.sweep).toBeLessThan(TIMEOUTS.clientLinger);
    expect(TIMEOUTS.sweep).toBeLessThan(TIMEOUTS.upstreamIdle);
    expect(TIMEOUTS.headCheck).toBeLessThanOrEqual(60_000 / 4);
  });

  it('attempt more than once to take a suspension back before it lapses', () =>
    expect(2 * TIMEOUTS.settleRetry).toBeLessThan(DEADLINES.settlement));

  it('confirm an old address again before its confirmation expires', () =>
    expect(2 * (TIMEOUTS.verifyAgain + TIMEOUTS.verifyRetry)).toBeLessThan(DEADLINES.verified));

  it('leave time to drain at every level: proxy, worker, supervisor', () => {
    expect(TIMEOUTS.drainKilling).toBeLessThan(TIMEOUTS.drainSupervisor);
    expect(TIMEOUTS.drainSupervisor).toBeLessThan(TIMEOUTS.drainClosing);
    const spent = TIMEOUTS.drainKilling + TIMEOUTS.drainSupervisor + TIMEOUTS.drainClosing;
    expect(spent).toBeLessThan(DEFAULT_DRAIN / 4);
  });

  it('find a vanished peer in time, with the longest rhythm', () => {
    const { idle, interval, probes, within } = TCP_KEEP_ALIVE;
    const longest = (range: { base: number; steps: number }) => range.base + (range.steps - 1) * 1_000;
    expect(longest(idle) + probes * longest(interval)).toBeLessThanOrEqual(within);
  });
});
