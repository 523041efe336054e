import type { Socket } from 'node:net';

/**
 * TCP keep-alive, which finds half-open peers within 80 s (tcp(7)). No two connections in a row ask in the same rhythm: the
 * kernel rounds such timers to seconds, and ten thousand connections opened together would ask at once, and again and again,
 * while a network interface's queue takes one thousand packets and drops the rest, until all that was dropped count as dead.
 */
export interface KeepAlive {
  /** From the last sign of life to the first probe. */
  idleMs: number;
  /** From one probe to the next. */
  intervalMs: number;
  /** Unanswered ones after which the connection is dead. */
  probes: number;
}

const PROBES = 4;
const SHORTEST = { idleS: 20, intervalS: 7 };
/** Without a common factor, so that all pairs of both are used. */
const SPREAD = { idleS: 13, intervalS: 5 };

/** Of the connection with this number. */
export function keepAliveOf(turn: number): KeepAlive {
  return {
    idleMs: (SHORTEST.idleS + (turn % SPREAD.idleS)) * 1_000,
    intervalMs: (SHORTEST.intervalS + (turn % SPREAD.intervalS)) * 1_000,
    probes: PROBES,
  };
}

let turns = 0;

/** Sets it, in the next rhythm. */
export function keepAlive(socket: Socket): void {
  const { idleMs, intervalMs, probes } = keepAliveOf(turns++);
  socket.setKeepAlive(true, idleMs, intervalMs, probes);
}
