import type { Socket } from 'node:net';
import { TCP_KEEP_ALIVE } from '../timeouts.ts';
import { keepAlive, keepAliveOf } from './tcp-keepalive.ts';

/** A network interface's queue takes this many packets before it drops (net.core.netdev_max_backlog), each probe with its answer. */
const QUEUE_PACKETS = 1_000;
/** The kernel's timer wheel rounds half a minute to 2.048 s, and ten seconds to 0.256 s, at 250 ticks per second. */
const ROUNDED_MS = { first: 2_048, second: 256 };

type Setting = [on: boolean, idleMs: number, intervalMs: number, probes: number];

/** The arguments that `keepAlive` hands to the next socket. */
function nextSetting(): Setting {
  const seen: Setting[] = [];
  keepAlive({ setKeepAlive: (...setting: Setting) => seen.push(setting) } as unknown as Socket);
  return seen[0] as Setting;
}

describe('TCP keep-alive', () => {
  it('as it is set finds a vanished peer within 80 s, in every rhythm', () => {
    for (let turn = 0; turn < 200; turn++) {
      const [on, idleMs, intervalMs, probes] = nextSetting();
      expect(on).toBe(true);
      expect(probes).toBe(TCP_KEEP_ALIVE.probes);
      expect(idleMs + intervalMs * probes).toBeLessThanOrEqual(80_000);
    }
  });

  it('spreads ten thousand connections opened at once over more than the queue can hold', () => {
    const seconds = new Map<string, number>();
    for (let turn = 0; turn < 10_000; turn++) {
      const { idleMs, intervalMs } = keepAliveOf(turn);
      const first = Math.ceil(idleMs / ROUNDED_MS.first);
      const at = `${first} ${Math.ceil(intervalMs / ROUNDED_MS.second)}`;
      seconds.set(at, (seconds.get(at) ?? 0) + 1);
    }
    expect(Math.max(...seconds.values()) * 2).toBeLessThan(QUEUE_PACKETS);
  });

  it('gives each connection another rhythm than the one before', () =>
    expect(nextSetting()).not.toEqual(nextSetting()));
});
