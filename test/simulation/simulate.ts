import { Cluster } from './cluster.ts';
import { notRecovered } from './healing/recovery.ts';
import { notAtRest } from './healing/rest.ts';
import type { Unmet } from './healing/unmet.ts';
import type { Change } from './mutations/change.ts';
import { changedScripts } from './mutations/changed-scripts.ts';
import type { Counts } from './world/coverage.ts';
import { type InvariantName, Violation } from './world/invariants.ts';
import { World } from './world/world.ts';

/** How long faults happen, in milliseconds of true time. */
const TROUBLE_MS = { short: [6_000, 28_000], long: [60_000, 90_000] } as const;
/** Then everything works again, and clients are served this long. */
const SERVICE_MS = 8_000;
const LOOK_EVERY_MS = 1_000;

export interface Outcome {
  readonly seed: number;
  readonly hash: string;
  readonly events: number;
  readonly counts: Counts;
  readonly violation?: { readonly invariant: InvariantName; readonly message: string };
  readonly lines: readonly string[];
}

export interface SimulateOptions {
  /** Keeps the lines of the trace. */
  telling?: boolean;
  changes?: readonly Change[];
  /** The only invariant that counts; undefined for all of them. */
  judged?: InvariantName | undefined;
}

/**
 * Runs the world of one seed, from its beginning through its faults to its rest. Resolves with the violation that was found.
 * Rejects for a fault of the harness or of a script.
 */
export async function simulate(
  seed: number,
  { telling = false, changes = [], judged }: SimulateOptions = {},
): Promise<Outcome> {
  const world = new World(seed, telling, judged);
  // Some of the services' code takes no source of chance: it must not draw from another one than the seed.
  Math.random = world.stream('Math.random').next;
  const outcome = (violation?: Outcome['violation']): Outcome => ({
    seed,
    hash: world.trace.hash,
    events: world.trace.events,
    counts: world.counts,
    violation,
    lines: world.trace.lines,
  });
  try {
    await live(new Cluster(world, scriptsOf(changes)));
    return outcome();
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    return outcome({ invariant: error.invariant, message: error.message });
  }
}

/** Made once for the changes of a process, which are the same for all of its seeds. */
let scripts: { of: readonly Change[]; changed: (source: string) => string } | undefined;
function scriptsOf(changes: readonly Change[]): (source: string) => string {
  if (scripts?.of !== changes) scripts = { of: changes, changed: changedScripts(changes) };
  return scripts.changed;
}

async function live(cluster: Cluster): Promise<void> {
  const { world, apps, users, resolvers, faults, interruptions, invariants } = cluster;
  const { random } = world;
  await world.run(5_000);
  apps.start();
  users.start();
  resolvers.start();
  const [least, most] = random.chance(0.12) ? TROUBLE_MS.long : TROUBLE_MS.short;
  const trouble = random.between(least, most);
  faults.plan(trouble);
  await world.run(world.now + trouble);

  apps.stop();
  users.stop();
  resolvers.stop();
  faults.heal();
  const healedAt = world.now;
  world.note('healed', 'world');
  await whole(world, () => notRecovered(cluster, healedAt));

  world.note('serves', 'world');
  interruptions.end();
  invariants.availability.begin();
  apps.start();
  users.start();
  resolvers.start();
  await world.run(world.now + SERVICE_MS);

  apps.stop();
  users.stop();
  resolvers.stop();
  const restedAt = world.now;
  world.note('rests', 'world');
  await whole(world, () => notAtRest(cluster, restedAt));
}

/** Lets time pass until nothing is left to wait for. A wait that is longer than its bound is a violation. */
async function whole(world: World, unmet: () => Unmet | undefined): Promise<void> {
  for (let left = unmet(); left; left = unmet()) {
    const isLate = world.now > left.by;
    if (isLate) world.violate(left.invariant, `after healing: ${left.message}`);
    await world.run(world.now + LOOK_EVERY_MS);
    if (isLate) return;
  }
}
