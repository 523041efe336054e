import type { Cluster } from '../cluster.ts';
import { KEYS } from '../parts/scheduler.ts';

/**
 * The first thing that is left over after healing. A drone that is there leaves no deadline, stop order or refusal that keeps
 * work from it. A drone that was given up leaves nothing at all.
 */
export function leftover({ drones, read }: Cluster): string | undefined {
  for (const drone of drones) {
    const { name } = drone;
    const isKnown = read(['HEXISTS', KEYS.nodes('drone'), name]) === 1;
    const left = isKnown ? (drone.engine.gone ? undefined : ofPresent(name, read)) : ofForgotten(name, read);
    if (left) return left;
    if (!isKnown && !drone.engine.gone) return `${name} is there and not known`;
  }
  return undefined;
}

function ofPresent(name: string, read: Cluster['read']): string | undefined {
  if (read(['ZSCORE', KEYS.due, `drone/${name}`]) !== null)
    return `${name} renews and is still due to be given up`;
  if (read(['ZSCORE', KEYS.load, name]) === null) return `${name} is there and gets no work`;
  const refused = read(['HGET', KEYS.drone(name), 'refused']);
  if (refused !== null && refused === read(['HGET', KEYS.renewals, `drone/${name}`]))
    return `${name} renews and gets no work`;
  const [order] = read(['HKEYS', KEYS.stops(name)]) as string[];
  if (order) return `the order to stop ${order} stays on ${name} for ever`;
  if (read(['HEXISTS', KEYS.routes, `drone/${name}`]) === 1) return `${name} counts as silent`;
  return undefined;
}

function ofForgotten(name: string, read: Cluster['read']): string | undefined {
  const member = `drone/${name}`;
  const registered = read(['HMGET', KEYS.renewals, member, `${member}/registration`]) as (string | null)[];
  if (registered.some((value) => value !== null)) return `${name} was given up and is registered`;
  const due = read(['ZMSCORE', KEYS.due, `lease/${name}`, member, `silent/${name}`]) as (string | null)[];
  if (due.some((at) => at !== null)) return `${name} was given up and something of it is due`;
  if (read(['ZSCORE', KEYS.load, name]) !== null) return `${name} was given up and gets work`;
  if (read(['EXISTS', KEYS.drone(name)]) === 1) return `${name} was given up and its capacity is still there`;
  if (read(['EXISTS', KEYS.living(name)]) === 1) return `${name} was given up and has living records`;
  return undefined;
}
