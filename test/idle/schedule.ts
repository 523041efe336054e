import { seeded } from '@spawner/testkit';

/**
 * The uses of one session, drawn from a seed and a number, so that any schedule can be lived again. Steps come one after
 * another, each a while after the last use before it was over; the uses of a step run side by side.
 */
export interface Schedule {
  readonly number: number;
  readonly idleTimeoutMs: number;
  readonly steps: readonly Step[];
}

export interface Step {
  /** From the end of the last use, or from READY, to the begin of these. */
  readonly afterMs: number;
  readonly uses: readonly Use[];
}

export interface Use {
  readonly kind: UseKind;
  /** How long it lasts, where that is the user's or the backend's choice. */
  readonly forMs: number;
  /** Which of the proxies, as a part of 1. */
  readonly proxy: number;
}

/** Every way of being in use, and of leaving, with how often it is drawn. */
const WEIGHTS = {
  /** A request on a connection of its own. */
  request: 4,
  /** A request on a connection that then stays open and idle, which is no use. */
  keptAlive: 3,
  download: 2,
  /** The reader leaves in the middle. */
  downloadLeft: 1,
  upload: 2,
  events: 2,
  longPoll: 2,
  /** The client leaves before the answer. */
  longPollLeft: 1,
  chattyWebSocket: 2,
  silentWebSocket: 2,
  /** The backend closes it. */
  webSocketClosedByBackend: 1,
  /** The client ends its half without a close frame, and the backend answers with its own end. */
  webSocketHalfClosed: 1,
  /** As before, but the backend keeps its half open: the proxy cuts it. */
  webSocketHalfOpen: 0.1,
  /** The socket is cut without a word to the other side but TCP's. */
  webSocketReset: 1,
  /** A connection that no proxy reports: only the kernel sees it. */
  besideProxies: 0.5,
} as const;

/** Peers that vanish without a word; they take up to 80 s to be found, so they are asked for and not drawn. */
export const VANISHING = ['vanishedWebSocket', 'vanishedLongPoll'] as const;

export type UseKind = keyof typeof WEIGHTS | (typeof VANISHING)[number];

export const DRAWN = Object.keys(WEIGHTS) as (keyof typeof WEIGHTS)[];
const TOTAL_WEIGHT = DRAWN.reduce((sum, kind) => sum + WEIGHTS[kind], 0);

/** The schedule of this number; with `vanishing` it ends with a peer that vanishes. */
export function scheduleOf(seed: number, number: number, vanishing: boolean): Schedule {
  const random = seeded(Math.imul(seed, 7_919) + number);
  const between = (from: number, to: number) => Math.round(from + random() * (to - from));
  const idleTimeoutMs = between(1_000, 3_000);
  const useOf = (kind: UseKind): Use => {
    // Some last longer than the timeout: an open stream has to keep its session.
    const long = random() < 0.35 || kind === 'besideProxies';
    const forMs = long ? idleTimeoutMs + between(100, 1_500) : between(50, 1_000);
    return { kind, forMs, proxy: random() };
  };
  const steps = Array.from({ length: between(1, 3) }, (_, index): Step => {
    const together = random() < 0.2 ? 3 : 1;
    const uses = Array.from({ length: together }, () => useOf(drawn(random())));
    return { afterMs: index === 0 ? between(0, 300) : gap(idleTimeoutMs, random, between), uses };
  });
  if (!vanishing) return { number, idleTimeoutMs, steps };
  const kind = VANISHING[number % VANISHING.length] ?? 'vanishedWebSocket';
  return { number, idleTimeoutMs, steps: [{ afterMs: between(0, 500), uses: [useOf(kind)] }] };
}

/** Two uses through one proxy, the second after agents know of the first: if the proxy dies then, it has reported to none. */
export function lastMomentOf(number: number, proxy: number): Schedule {
  const uses = [{ kind: 'request', forMs: 0, proxy }] as const;
  const steps = [
    { afterMs: 0, uses },
    { afterMs: 1_100, uses },
  ];
  return { number, idleTimeoutMs: 2_000, steps };
}

/** Well below the timeout, just below, about when the end is being settled, or above it. */
function gap(
  idleTimeoutMs: number,
  random: () => number,
  between: (from: number, to: number) => number,
): number {
  const kind = random();
  if (kind < 0.3) return between(0, 0.7 * idleTimeoutMs);
  if (kind < 0.55) return idleTimeoutMs - between(20, 150);
  if (kind < 0.85) return idleTimeoutMs + between(-20, 350);
  return idleTimeoutMs + between(350, 1_500);
}

function drawn(part: number): UseKind {
  let left = part * TOTAL_WEIGHT;
  for (const kind of DRAWN) {
    left -= WEIGHTS[kind];
    if (left < 0) return kind;
  }
  return 'request';
}
