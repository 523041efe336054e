import { STATES } from '@spawner/domain';
import type { Cluster } from '../cluster.ts';
import { KEYS } from '../parts/scheduler.ts';
import { BOUNDS, idleShutdownMs, onSlowestClock } from './bounds.ts';
import { leftover } from './leftovers.ts';
import { leftSandbox } from './sandboxes.ts';
import { unanswered } from './unanswered.ts';
import type { Unmet } from './unmet.ts';

/** The longest terms that a client asks for. */
const LONGEST = { idleTimeoutMs: 10_000, stopGraceMs: 10_000 };
/** From the last call of a client until every record and replica says what there is. */
const SETTLED_MS = BOUNDS.call + BOUNDS.ready + idleShutdownMs(LONGEST) + onSlowestClock(LONGEST.stopGraceMs);

/** The first thing that has not settled yet in a cluster that has had no clients since `restedAt`. */
export function notAtRest(cluster: Cluster, restedAt: number): Unmet | undefined {
  const waits = unanswered(cluster, restedAt);
  if (waits) return waits;
  const starting = cluster.invariants.availability.starting();
  if (starting) return starting;
  const used = unusedAndThere(cluster, restedAt);
  if (used) return used;
  const by = restedAt + SETTLED_MS;
  const lost = withoutRecordOrProgram(cluster);
  if (lost) return { invariant: 'records', message: lost, by };
  for (const proxy of cluster.proxies) {
    const difference = cluster.invariants.replicas.difference(proxy);
    if (difference) return { invariant: 'replicas', message: difference, by };
  }
  const stale = cluster.invariants.replicas.difference(cluster.dns, false);
  if (stale) return { invariant: 'replicas', message: stale, by };
  const kept = leftSandbox(cluster);
  if (kept) return { invariant: 'sandboxes', message: kept, by };
  const left = leftover(cluster);
  return left === undefined ? undefined : { invariant: 'leftovers', message: left, by };
}

/** The unused backend with an idle timeout that must end first. */
function unusedAndThere({ drones, invariants }: Cluster, restedAt: number): Unmet | undefined {
  let first: Unmet | undefined;
  for (const { agent, engine } of drones)
    for (const { id, life } of agent?.drone.living() ?? []) {
      if (life.terms.idleTimeoutMs === 0 || engine.gone) continue;
      const container = engine.containers.get(id);
      const readyAt = invariants.records.readyAt(id);
      if (readyAt === undefined || (container && container.connections.size > 0)) continue;
      const since = Math.max(restedAt, readyAt, engine.usedAt(id), invariants.availability.askedAt(id));
      const by = since + idleShutdownMs(life.terms);
      if (!first || by < first.by)
        first = { invariant: 'idle-shutdown', message: `${id} is unused and has not ended`, by };
    }
  return first;
}

function withoutRecordOrProgram({ drones, read }: Cluster): string | undefined {
  const programs = new Map<string, string>();
  for (const { name, engine } of drones) for (const id of engine.containers.keys()) programs.set(id, name);
  let living = 0;
  for (const { name, engine } of drones) {
    const ids = read(['SMEMBERS', KEYS.living(name)]) as string[];
    living += ids.length;
    const stray = engine.gone ? undefined : ids.find((id) => programs.get(id) !== name);
    if (stray) return `${stray} is a living record of ${name}, which has no program of it`;
  }
  const states = (read(['ZRANGE', KEYS.backends, '0', '-1']) as string[]).map((id) =>
    Number(read(['HGET', KEYS.backend(id), 'state'])),
  );
  if (states.filter((state) => state < STATES.TERMINATED).length !== living)
    return 'a living record belongs to no drone';
  const lost = [...programs.keys()].find((id) => !isLivingRecord(read, id));
  return lost && `a program of ${lost} is there without a living record`;
}

function isLivingRecord(read: Cluster['read'], id: string): boolean {
  const state = read(['HGET', KEYS.backend(id), 'state']);
  return state !== null && Number(state) < STATES.TERMINATED;
}
