import { DEADLINES } from '@spawner/domain';
import type { ReadStore } from '../checks/read-store.ts';
import type { Cluster } from '../cluster.ts';
import { KEYS } from '../parts/scheduler.ts';
import type { InvariantName } from '../world/invariants.ts';
import { LONGEST_DELAY } from '../world/network.ts';
import { BOUNDS } from './bounds.ts';
import { heldKey } from './lost-keys.ts';
import { severed } from './sandboxes.ts';
import { unanswered } from './unanswered.ts';
import type { Unmet } from './unmet.ts';

/** The first thing that does not work yet after everything that was broken works again, at `healing`. */
export function notRecovered(cluster: Cluster, healing: number): Unmet | undefined {
  // A scheduler that is interrupted while a lost drone is given up is one fault more.
  const healedAt = Math.max(healing, cluster.interruptions.until);
  const unmet = (message: string | undefined, bound: number, invariant: InvariantName = 'recovery') =>
    message === undefined ? undefined : { invariant, message, by: healedAt + bound };
  return (
    interrupted(cluster) ??
    unmet(unregistered(cluster) ?? notServing(cluster), BOUNDS.registered) ??
    unmet(refused(cluster), BOUNDS.refused) ??
    unmet(unnamed(cluster, healing), BOUNDS.named, 'names') ??
    unmet(openWindow(cluster), BOUNDS.window) ??
    unmet(remembered(cluster), BOUNDS.proxyForgotten) ??
    unmet(difference(cluster), BOUNDS.refilled, 'replicas') ??
    unmet(severed(cluster), BOUNDS.severed, 'severed') ??
    heldKey(cluster, healedAt) ??
    unanswered(cluster, healedAt) ??
    heldBack(cluster, healing)
  );
}

function interrupted({ interruptions, world }: Cluster): Unmet | undefined {
  const by = interruptions.until;
  return by > world.now ? { invariant: 'recovery', message: 'a scheduler is interrupted', by } : undefined;
}

/**
 * A connection to the store on which a command from before healing is still under way, or was lost and is still waited for.
 * Commands keep their order, so the reader of the route log, for instance, stays behind until then.
 */
function heldBack({ store, world }: Cluster, healing: number): Unmet | undefined {
  if (store.arrivedBy <= world.now + LONGEST_DELAY.calm) return undefined;
  const message = 'a connection to the store waits for a command from before healing';
  return { invariant: 'recovery', message, by: healing + BOUNDS.delayed };
}

function unregistered({ drones, read }: Cluster): string | undefined {
  const away = drones.find(
    ({ name, engine }) =>
      !engine.gone &&
      (read(['HEXISTS', KEYS.nodes('drone'), name]) !== 1 ||
        read(['ZSCORE', KEYS.load, name]) === null ||
        !hasRenewed(read, name)),
  );
  return away && `drone ${away.name} does not renew`;
}

/** A drone that did not report a backend gets no work before its next renewal. */
function refused({ drones, read }: Cluster): string | undefined {
  const away = drones.find(({ name, engine }) => {
    const [since, renewed] = [
      read(['HGET', KEYS.drone(name), 'refused']),
      read(['HGET', KEYS.renewals, `drone/${name}`]),
    ];
    return !engine.gone && since !== null && since === renewed;
  });
  return away && `drone ${away.name} gets no work`;
}

/** Its last renewal is so young that the next one comes in time. */
function hasRenewed(read: ReadStore, name: string): boolean {
  const renewed = Number(read(['HGET', KEYS.renewals, `drone/${name}`]) ?? Number.NEGATIVE_INFINITY);
  const now = Number(read(['HGET', KEYS.clock, 'now']) ?? 0);
  return now - renewed <= DEADLINES.renewalsMissed - DEADLINES.renewEvery;
}

function notServing({ proxies, dns }: Cluster): string | undefined {
  if (!dns.zone?.complete) return `${dns.name} does not know the zone`;
  const away = proxies.find(({ edge }) => !edge);
  return away && `proxy ${away.name} does not serve`;
}

/** A renewal that was lost before healing delays the next one, so that the proxy may lapse after healing. */
function unnamed({ world, proxies, dns }: Cluster, healing: number): string | undefined {
  const named = dns.addressesOf(undefined)?.answers.map((record) => record.type === 'A' && record.address);
  const hasRenewed = ({ process, members }: Cluster['proxies'][number]) =>
    process && members && world.now - process.machine.trueTime(members.renewalAge) > healing;
  const missing = proxies.find((proxy) => !named?.includes(proxy.address) || !hasRenewed(proxy));
  return missing && `${missing.name} does not renew, or ${dns.name} does not name it`;
}

function openWindow({ read }: Cluster): string | undefined {
  const until = Number(read(['HGET', KEYS.epoch, 'until']) ?? 0);
  const now = Number(read(['HGET', KEYS.clock, 'now']) ?? 0);
  return until > now ? 'the window of the store epoch is open' : undefined;
}

/** A proxy that no longer exists is in the list of those that an idle shutdown asks. */
function remembered({ proxies, read }: Cluster): string | undefined {
  const present = proxies.map(({ id }) => id);
  const gone = (read(['HKEYS', KEYS.nodes('proxy')]) as string[]).find((id) => !present.includes(id));
  return gone && `proxy ${gone}, which is gone, is not forgotten`;
}

function difference({ proxies, dns, invariants }: Cluster): string | undefined {
  for (const proxy of proxies) {
    const found = invariants.replicas.difference(proxy);
    if (found) return found;
  }
  return invariants.replicas.difference(dns, false);
}
