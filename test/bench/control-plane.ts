/**
 * The control plane's cost: what an idle backend takes in Redis and in the scheduler, how long its loop is
 * held up with 10,000 of them, and how placements go with 10 to 10,000 drones. Medians of several runs.
 */
import { type IdleFigures, idleBackends } from './idle-backends.ts';
import type { Figures } from './main.ts';
import { type PlacementFigures, placements } from './placements.ts';
import { median, rounded } from './statistics.ts';

const RUNS = 3;
const DRONES = [10, 1_000, 10_000];
/** A record's longest values fit into the compact form of a hash with this. */
const COMPACT = ['--hash-max-listpack-value', '512'];

export async function bench(): Promise<Figures> {
  // The first run compiles.
  await placements(DRONES[0]!);
  const placed = new Map<number, PlacementFigures[]>(DRONES.map((count) => [count, []]));
  for (let run = 0; run < RUNS; run++) for (const [count, runs] of placed) runs.push(await placements(count));
  const idle: IdleFigures[] = [];
  for (let run = 0; run < RUNS; run++) idle.push(await idleBackends());
  const compact = await idleBackends(COMPACT);
  const of = (read: (figures: IdleFigures) => number) => rounded(median(idle.map(read)));
  const phases = ['idleWithFew', 'spawning', 'idleWithMany', 'registering'] as const;
  console.table(
    Object.fromEntries(
      phases.map((name) => [
        name,
        {
          'timers now': of((each) => each[name].timers),
          'scheduler ms/s': of((each) => each[name].scheduler),
          'redis ms/s': of((each) => each[name].redis),
          'loop p99 ms': of((each) => each[name].loopP99),
          'loop max ms': of((each) => each[name].loopMax),
        },
      ]),
    ),
  );
  console.table(Object.fromEntries([...placed].map(([count, runs]) => [`${count} drones`, medians(runs)])));
  return {
    runs: RUNS,
    redis_bytes_per_backend_of_1000: of(({ bytesOfFew }) => bytesOfFew),
    redis_bytes_per_backend_of_10000: of(({ bytesOfMany }) => bytesOfMany),
    of_which_route_log: of(({ logBytes }) => logBytes),
    redis_bytes_per_backend_compact: rounded(compact.bytesOfMany),
    budget_bytes: 2_048,
    timers_with_100: of(({ idleWithFew }) => idleWithFew.timers),
    timers_with_10000: of(({ idleWithMany }) => idleWithMany.timers),
    scheduler_ms_per_s_with_100: of(({ idleWithFew }) => idleWithFew.scheduler),
    scheduler_ms_per_s_with_10000: of(({ idleWithMany }) => idleWithMany.scheduler),
    loop_p99_ms_with_10000: of(({ idleWithMany }) => idleWithMany.loopP99),
    loop_p99_ms_spawning: of(({ spawning }) => spawning.loopP99),
    loop_p99_ms_registering: of(({ registering }) => registering.loopP99),
    budget_loop_ms: 20,
    spawns_per_s: of(({ spawnsPerSecond }) => spawnsPerSecond),
    ...Object.fromEntries(
      [...placed].flatMap(([count, runs]) => {
        const { perSecond, p99, bare } = medians(runs);
        return [
          [`placements_per_s_${count}_drones`, perSecond],
          [`placement_p99_ms_${count}_drones`, p99],
          [`bare_script_per_s_${count}_drones`, bare],
        ];
      }),
    ),
  };
}

function medians(runs: readonly PlacementFigures[]): PlacementFigures {
  const of = (read: (figures: PlacementFigures) => number) => rounded(median(runs.map(read)), 2);
  return {
    perSecond: of(({ perSecond }) => perSecond),
    p50: of(({ p50 }) => p50),
    p99: of(({ p99 }) => p99),
    scheduler: of(({ scheduler }) => scheduler),
    redis: of(({ redis }) => redis),
    bare: of(({ bare }) => bare),
  };
}
