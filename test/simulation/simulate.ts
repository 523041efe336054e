import { notHealed } from './checks/healed.ts';
import { Cluster } from './cluster.ts';
import type { ChangedParts } from './mutations/changed-parts.ts';
import { Violation, World } from './world/world.ts';

/** Faults happen for so long, in milliseconds of true time. */
const TROUBLE_MS = { short: [15_000, 45_000], long: [60_000, 90_000] } as const;
/** Calls and exchanges under way when everybody leaves are over by then. */
const LEAVING_MS = 25_000;
/**
 * From then on, the longest that healing may take: the window of a store epoch, the longest idle timeout, a proxy that
 * is gone being forgotten, a suspension given back, the longest grace, each on the slowest clock, and the loops in
 * between, of which one may be interrupted.
 */
const HEALING_MS = (45_000 + 10_000 + 45_000 + 10_000 + 10_000) / 0.9 + 45_000;
const LOOK_EVERY_MS = 1_000;

export interface Outcome {
  readonly seed: number;
  readonly hash: string;
  readonly events: number;
  readonly violation?: string;
  readonly lines: readonly string[];
}

/** One seed's world from its beginning to its healing. Never rejects for a violation; `telling` keeps the trace's lines. */
export async function simulate(
  seed: number,
  { telling = false, changed = {} }: { telling?: boolean; changed?: ChangedParts } = {},
): Promise<Outcome> {
  const world = new World(seed, telling);
  const outcome = (violation?: string): Outcome => ({
    seed,
    hash: world.trace.hash,
    events: world.trace.events,
    violation,
    lines: world.trace.lines,
  });
  try {
    const cluster = new Cluster(world, changed);
    await world.run(5_000);
    cluster.apps.start();
    cluster.users.start();
    const { random } = world;
    const [least, most] = random.chance(0.35) ? TROUBLE_MS.long : TROUBLE_MS.short;
    const trouble = random.between(least, most);
    cluster.faults.plan(trouble);
    await world.run(world.now + trouble);
    cluster.apps.stop();
    cluster.users.stop();
    cluster.faults.heal();
    const until = world.now + LEAVING_MS + HEALING_MS;
    let left = notHealed(cluster);
    while (left && world.now < until) {
      await world.run(world.now + LOOK_EVERY_MS);
      left = notHealed(cluster);
    }
    return outcome(left && `after healing: ${left}`);
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    return outcome(error.message);
  }
}
