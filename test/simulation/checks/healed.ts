import { STATES } from '@spawner/domain';
import { endsWithLease } from '@spawner/proto';
import { BackendFacts } from '@spawner/proto/internal/backend_status';
import { OnLeaseLoss } from '@spawner/proto/v1/backend';
import type { Cluster } from '../cluster.ts';
import { KEYS } from '../parts/scheduler.ts';
import { leftover } from './leftovers.ts';

/**
 * What must hold some time after everything works again and nobody comes any more: records are programs, replicas are
 * the store, every call and every held request has been answered, and no unused backend with an idle timeout is left.
 * Gives what does not hold yet.
 */
export function notHealed(cluster: Cluster): string | undefined {
  const { drones, proxies, apps, read, invariants } = cluster;
  if (apps.waiting > 0) return `(5) ${apps.waiting} calls of clients are not answered`;
  for (const { name, waiting } of proxies) if (waiting > 0) return `(5) ${name} holds ${waiting} requests`;
  const programs = new Map<string, string>();
  for (const { name, engine } of drones) for (const id of engine.containers.keys()) programs.set(id, name);
  let living = 0;
  for (const { name, engine } of drones) {
    const ids = read(['SMEMBERS', KEYS.living(name)]) as string[];
    living += ids.length;
    if (engine.gone) {
      const held = ids.find((id) => isStrict(read, id));
      if (held) return `(1) ${held} was lost with ${name}, and still holds its key`;
      continue;
    }
    const stray = ids.find((id) => programs.get(id) !== name);
    if (stray) return `(4) ${stray} is a living record of ${name}, which has no program of it`;
    const idle = ids.find((id) => endsWhenIdle(drones, id));
    if (idle) return `(5) ${idle} is unused and has not ended`;
  }
  const records = read(['ZRANGE', KEYS.backends, '0', '-1']) as string[];
  const states = records.map((id) => Number(read(['HGET', KEYS.backend(id), 'state'])));
  if (states.filter((state) => state < STATES.TERMINATED).length !== living)
    return '(4) a living record belongs to no drone';
  const lost = [...programs.keys()].find((id) => !isLivingRecord(read, id));
  if (lost) return `(4) a program of ${lost} is there without a living record`;
  for (const proxy of proxies) {
    const difference = invariants.replicas.difference(proxy);
    if (difference) return `(5) ${difference}`;
  }
  return leftover(cluster);
}

function isStrict(read: Cluster['read'], id: string): boolean {
  const facts = read(['HGET', KEYS.backend(id), 'facts']) as string;
  const { key, spec } = BackendFacts.decode(Buffer.from(facts, 'latin1'));
  return endsWithLease(spec?.onLeaseLoss ?? OnLeaseLoss.UNSPECIFIED, key);
}

function isLivingRecord(read: Cluster['read'], id: string): boolean {
  const state = read(['HGET', KEYS.backend(id), 'state']);
  return state !== null && Number(state) < STATES.TERMINATED;
}

function endsWhenIdle(drones: Cluster['drones'], id: string): boolean {
  return drones.some(({ agent }) => (agent?.drone.find(id)?.life.terms.idleTimeoutMs ?? 0) > 0);
}
