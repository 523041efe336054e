/**
 * The things that a run of tests left behind on the machine: processes, containers, Docker networks, network devices and
 * firewall rules. Only things with the run's mark, or whose owner has gone, are looked at: others may use the machine too.
 */
import { containersIn, networksIn } from './leftovers/engine.ts';
import { devices, firewallRules } from './leftovers/network.ts';
import { processesOf } from './leftovers/processes.ts';

export interface Leftover {
  /** Tells it from every other one, over time too. */
  id: string;
  /** A phrase for people. */
  what: string;
  /** The test file that made it, if that is known. */
  file?: string;
  remove(): Promise<void>;
}

export interface Place {
  run: string;
  /** The engine that the suites share. */
  dockerSocket?: string;
}

const GRACE_MS = 3_000;
const LOOK_EVERY_MS = 200;

/** All that is there now. */
export async function leftoversNow({ run, dockerSocket }: Place): Promise<Leftover[]> {
  const found = await Promise.all([
    processesOf(run),
    dockerSocket ? containersIn(dockerSocket) : [],
    dockerSocket ? networksIn(dockerSocket) : [],
    devices(run),
    firewallRules(),
  ]);
  return found.flat();
}

/**
 * Removes what is there now and was not there `before`, which is to be empty at the end of a suite; resolves with it.
 * Things that are about to go by themselves have a few seconds to do so.
 */
export async function removeLeftovers(place: Place, before: readonly Leftover[]): Promise<Leftover[]> {
  const known = new Set(before.map(({ id }) => id));
  const deadline = performance.now() + GRACE_MS;
  for (;;) {
    const left = (await leftoversNow(place)).filter(({ id }) => !known.has(id));
    if (left.length === 0) return [];
    if (performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
      continue;
    }
    // In this order: an engine's containers need it, and rules name devices.
    for (const each of left)
      await each.remove().catch((error: unknown) => console.error(`could not remove ${each.what}:`, error));
    return left;
  }
}
