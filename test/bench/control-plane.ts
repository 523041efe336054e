/**
 * The cost of the control plane: Redis memory and scheduler time per idle backend, and the scheduler's loop delay with 10,000 of
 * them. Then placements with 10 to 10,000 drones. Medians of several runs.
 */

import type { Figures, Options } from './benchmark.ts';
import { type IdleFigures, idleBackends } from './control-plane/idle-backends.ts';
import { type PlacementFigures, placements } from './control-plane/placements.ts';
import { median, rotated, rounded } from './statistics.ts';

const RUNS = 3;
const DRONES = [10, 1_000, 10_000];
const PLACEMENTS = 10_000;
const QUICK_PLACEMENTS = 5_000;
/** With this, the longest values of a record still fit the compact form of a hash. */
const COMPACT = ['--hash-max-listpack-value', '512'];

export async function bench({ quick }: Options): Promise<Figures> {
  const repeats = quick ? 1 : RUNS;
  // A warm-up: the first run compiles.
  const count = quick ? QUICK_PLACEMENTS : PLACEMENTS;
  await placements(DRONES[0]!, count);
  const placed = new Map<number, PlacementFigures[]>(DRONES.map((drones) => [drones, []]));
  // Three rounds in any case, in an order that rotates: their ratio is judged, and a machine's speed drifts.
  for (let run = 0; run < RUNS; run++)
    for (const [drones, runs] of rotated([...placed], run)) runs.push(await placements(drones, count));
  const idle: IdleFigures[] = [];
  for (let run = 0; run < repeats; run++) idle.push(await idleBackends());
  const of = (read: (figures: IdleFigures) => number) => rounded(median(idle.map(read)));
  const perSecond = (drones: number) => medians(placed.get(drones) ?? []).perSecond;
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
    runs: repeats,
    redis_bytes_per_backend_of_1000: of(({ bytesOfFew }) => bytesOfFew),
    redis_bytes_per_backend_of_10000: of(({ bytesOfMany }) => bytesOfMany),
    of_which_route_log: of(({ logBytes }) => logBytes),
    ...(quick ? {} : { redis_bytes_per_backend_compact: rounded((await idleBackends(COMPACT)).bytesOfMany) }),
    timers_with_100: of(({ idleWithFew }) => idleWithFew.timers),
    timers_with_10000: of(({ idleWithMany }) => idleWithMany.timers),
    timers_of_9900_backends: of(({ idleWithFew, idleWithMany }) => idleWithMany.timers - idleWithFew.timers),
    scheduler_ms_per_s_with_100: of(({ idleWithFew }) => idleWithFew.scheduler),
    scheduler_ms_per_s_with_10000: of(({ idleWithMany }) => idleWithMany.scheduler),
    loop_p99_ms_with_10000: of(({ idleWithMany }) => idleWithMany.loopP99),
    loop_p99_ms_spawning: of(({ spawning }) => spawning.loopP99),
    loop_p99_ms_registering: of(({ registering }) => registering.loopP99),
    spawns_per_s: of(({ spawnsPerSecond }) => spawnsPerSecond),
    placements_10000_to_10_drones: rounded(perSecond(10_000) / perSecond(10), 2),
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
