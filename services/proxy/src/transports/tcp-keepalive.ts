import type { Socket } from 'node:net';
import { TCP_KEEP_ALIVE } from '../timeouts.ts';

/** TCP keep-alive (tcp(7)) of the connection with this number: its rhythm, in milliseconds. */
export function keepAliveOf(turn: number) {
  const { idle, interval, probes } = TCP_KEEP_ALIVE;
  return {
    idleMs: idle.base + (turn % idle.steps) * 1_000,
    intervalMs: interval.base + (turn % interval.steps) * 1_000,
    probes,
  };
}

let turns = 0;

/** Turns keep-alive on, in the next rhythm. */
export function keepAlive(socket: Socket): void {
  const { idleMs, intervalMs, probes } = keepAliveOf(turns++);
  socket.setKeepAlive(true, idleMs, intervalMs, probes);
}
