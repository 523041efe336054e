import type { Cluster } from '../cluster.ts';
import { KEYS } from '../parts/scheduler.ts';

/**
 * What must not be left over after healing: of drones that are there, deadlines and orders that nobody waits for, or a
 * refusal that keeps work from them; of drones that were given up, anything at all. Gives what is there yet.
 */
export function leftover({ drones, read }: Cluster): string | undefined {
  for (const drone of drones) {
    const { name } = drone;
    const isKnown = read(['HEXISTS', KEYS.nodes('drone'), name]) === 1;
    const left = isKnown ? (drone.engine.gone ? undefined : ofPresent(name, read)) : ofNobody(name, read);
    if (left) return left;
    if (!isKnown && !drone.engine.gone) return `(5) ${name} is there and not known`;
  }
  return undefined;
}

function ofPresent(name: string, read: Cluster['read']): string | undefined {
  if (read(['ZSCORE', KEYS.due, `drone/${name}`]) !== null)
    return `(4) ${name} renews and is still due to be given up`;
  if (read(['ZSCORE', KEYS.load, name]) === null) return `(5) ${name} is there and gets no work`;
  const refused = read(['HGET', KEYS.drone(name), 'refused']);
  if (refused !== null && refused === read(['HGET', KEYS.renewals, `drone/${name}`]))
    return `(5) ${name} renews and gets no work`;
  const [order] = read(['HKEYS', KEYS.stops(name)]) as string[];
  if (order) return `(4) the order to stop ${order} stands on ${name} for ever`;
  if (read(['HEXISTS', KEYS.routes, `drone/${name}`]) === 1) return `(5) ${name} is told to be silent`;
  return undefined;
}

function ofNobody(name: string, read: Cluster['read']): string | undefined {
  const member = `drone/${name}`;
  const registered = read(['HMGET', KEYS.renewals, member, `${member}/registration`]) as (string | null)[];
  if (registered.some((value) => value !== null)) return `(4) ${name} was given up and is registered`;
  const due = read(['ZMSCORE', KEYS.due, `lease/${name}`, member, `silent/${name}`]) as (string | null)[];
  if (due.some((at) => at !== null)) return `(4) ${name} was given up and something of it is due`;
  if (read(['ZSCORE', KEYS.load, name]) !== null) return `(4) ${name} was given up and gets work`;
  if (read(['EXISTS', KEYS.drone(name)]) === 1)
    return `(4) ${name} was given up and its capacity is still there`;
  if (read(['EXISTS', KEYS.living(name)]) === 1) return `(4) ${name} was given up and has living records`;
  return undefined;
}
