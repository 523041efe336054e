/**
 * The least number of each event in 100 seeds, about half of the number that was seen. Without floors, a run in which
 * nothing starts would pass. A run of fewer seeds is held to its share.
 */
export const FLOORS = {
  /** Backends placed. */
  placed: 1700,
  /** Backends that became READY. */
  ready: 1500,
  /** Starts that waited for a place on their drone. */
  'starts-queued': 150,
  /** Starts by their way to the network. */
  'sandboxes-taken': 1300,
  'direct-starts': 150,
  /** Running sandboxes that the next agent took over. */
  'sandboxes-adopted': 250,
  /** Running backends whose sandbox died. */
  'sandboxes-severed': 16,
  /** Sandboxes of an earlier agent that a later one removed. */
  'sandbox-leftovers': 25,
  /** Placements with a key. */
  'placed-with-key': 330,
  /** Spawns that were answered with the holder of their key. */
  'keys-held': 900,
  /** Routes that were suspended, and what became of them. */
  suspended: 1800,
  'given-back': 700,
  'settled-ends': 1100,
  'idle-shutdowns': 1100,
  /** Backends that ended with the lease of their drone. */
  'lease-losses': 10,
  /** Backends that ended with a drone that was given up or lacked them. */
  'lost-with-drone': 12,
  /** Backends that a client terminated. */
  terminated: 130,
  /** Store epochs that were opened. */
  'store-epochs': 80,
  /** Exchanges that reached a program. */
  'requests-reached': 8500,
  /** Requests that were held before they were let through. */
  'requests-held': 1500,
  'upgrades-reached': 2800,
  /** Connection tokens that were made and revoked, and what became of requests for backends that ask for them. */
  'tokens-made': 580,
  'tokens-revoked': 280,
  'token-admissions': 900,
  'token-refusals': 1000,
  'token-handovers': 130,
  /** Exchanges that a revocation cut. */
  'token-cuts': 28,
  /** Answers of dns: all, those with addresses, and those for names that do not exist. */
  'names-asked': 2800,
  'names-answered': 1500,
  'names-unknown': 1300,
  /** Processes that crashed, and schedulers that were interrupted between two steps. */
  crashes: 100,
  interruptions: 25,
  /** Those between two steps of a lost drone's lapse or end. */
  'loss-interruptions': 4,
  reboots: 6,
  /** Readers that fell behind a log that was trimmed. */
  'log-gaps': 85,
  /** Requests to READY backends, and spawns that became READY, in healed worlds. */
  'healed-requests': 1500,
  'healed-spawns': 300,
} as const;

export type Counted = keyof typeof FLOORS;
export type Counts = Partial<Record<Counted, number>>;

/** Fewer seeds say too little about what is rare. */
const LEAST_SEEDS = 50;

/** The floors that a run did not reach, as sentences. */
export function missed(counts: Counts, seeds: number): string[] {
  if (seeds < LEAST_SEEDS) return [];
  return Object.entries(FLOORS).flatMap(([what, per100]) => {
    const floor = Math.floor((per100 * seeds) / 100);
    const seen = counts[what as Counted] ?? 0;
    return seen < floor ? [`${what}: ${seen} in ${seeds} seeds, at least ${floor} expected`] : [];
  });
}

/** The sums of what several worlds counted. */
export function added(to: Counts, counts: Counts): Counts {
  const sums: Counts = { ...to };
  for (const [what, count] of Object.entries(counts))
    sums[what as Counted] = (sums[what as Counted] ?? 0) + count;
  return sums;
}
