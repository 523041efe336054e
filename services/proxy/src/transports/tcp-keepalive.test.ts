import type { Socket } from 'node:net';
import { keepAlive, keepAliveOf } from './tcp-keepalive.ts';

/** What a network interface's queue takes before it drops (net.core.netdev_max_backlog), each probe with its answer. */
const QUEUE_PACKETS = 1_000;
/** The kernel's wheel of timers rounds half a minute to 2.048 s, and ten seconds to 0.256 s, at 250 ticks per second. */
const ROUNDED_MS = { first: 2_048, second: 256 };

describe('Keep-alive', () => {
  it('finds a peer that vanished within 80 s', () => {
    for (let turn = 0; turn < 200; turn++) {
      const { idleMs, intervalMs, probes } = keepAliveOf(turn);
      expect(idleMs + intervalMs * probes).toBeLessThanOrEqual(80_000);
    }
  });

  it('of ten thousand connections opened at once does not ask again at once for what was dropped', () => {
    const seconds = new Map<string, number>();
    for (let turn = 0; turn < 10_000; turn++) {
      const { idleMs, intervalMs } = keepAliveOf(turn);
      const first = Math.ceil(idleMs / ROUNDED_MS.first);
      const at = `${first} ${Math.ceil(intervalMs / ROUNDED_MS.second)}`;
      seconds.set(at, (seconds.get(at) ?? 0) + 1);
    }
    expect(Math.max(...seconds.values()) * 2).toBeLessThan(QUEUE_PACKETS);
  });

  it('gives every connection the next rhythm', () => {
    const heard: number[][] = [];
    const socket = { setKeepAlive: (_on: boolean, ...values: number[]) => heard.push(values) };
    for (let n = 0; n < 2; n++) keepAlive(socket as unknown as Socket);
    expect(heard[1]).not.toEqual(heard[0]);
  });
});
