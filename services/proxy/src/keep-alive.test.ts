import type { Socket } from 'node:net';
import { keepAlive, keepAliveOf } from './keep-alive.ts';

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

  it('keeps a connection in its rhythm however often it is set', () => {
    const set: number[][] = [];
    const socket = () => {
      const heard: number[] = [];
      set.push(heard);
      return {
        setKeepAlive: (_on: boolean, ...values: number[]) => heard.push(...values),
      } as unknown as Socket;
    };
    const [first, second] = [socket(), socket()];
    keepAlive(first);
    keepAlive(second);
    keepAlive(first);
    expect(set[0]?.slice(3)).toEqual(set[0]?.slice(0, 3));
    expect(set[1]).not.toEqual(set[0]?.slice(0, 3));
  });
});
