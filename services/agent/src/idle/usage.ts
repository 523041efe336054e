import { DEADLINES } from '@spawner/domain';
import type { LastExchange, ProxyActivity } from '@spawner/proto/internal/telemetry';
import type { Activity } from '@spawner/proto/v1/backend';

/**
 * The use of one backend, from the reports of proxies. Reports may be lost, so they only keep the idle clock fresh. When it
 * runs out, the proxies are asked (settlement.ts). Instants are milliseconds of the agent's clock; proxies send ages.
 */
export interface Usage {
  /** The last known instant at which something was open. */
  readonly activeAt: number;
  /** The last report of each proxy, by its id. */
  readonly reports: ReadonlyMap<string, ProxyReport>;
  /** The last use that a proxy reported. */
  readonly last?: { readonly at: number; readonly proxyId: string } & Partial<LastExchange>;
}

export interface ProxyReport {
  readonly registration: number;
  readonly open: number;
  readonly heardAt: number;
  /** It has verified the backend since its last report, so it may be another process than the one that reported. */
  readonly verified?: boolean;
}

type ActivityReply = Pick<ProxyActivity, 'open' | 'ageMs' | 'last'>;

/** A restarted proxy has a new id, so the old id's report is dropped long after it could matter. */
const REMEMBERED_MS = 15 * 60_000;

/** The idle clock starts; no proxy has reported. */
export function unusedSince(activeAt: number): Usage {
  return { activeAt, reports: new Map() };
}

/** Applies a proxy's report. A report of an older registration of the same proxy changes nothing. */
export function reported(
  usage: Usage,
  proxyId: string,
  registration: number,
  { open, ageMs, last: exchange }: ActivityReply,
  now: number,
): Usage {
  const before = usage.reports.get(proxyId);
  if (before && before.registration > registration) return usage;
  const reports = remembered(usage.reports, now).set(proxyId, { registration, open, heardAt: now });
  const at = lastActive(open, ageMs, now);
  const last = laterOf(usage.last, { at, proxyId, ...exchange });
  return { activeAt: Math.max(usage.activeAt, at), reports, last };
}

/**
 * Applies the last use from a proxy's answer to a question. A proxy that names no exchange had no use: its age is then
 * counted from its own start.
 */
export function answered(usage: Usage, proxyId: string, reply: ActivityReply, now: number): Usage {
  const { open, ageMs, last } = reply;
  if (!last) return usage;
  return { ...usage, last: laterOf(usage.last, { at: lastActive(open, ageMs, now), proxyId, ...last }) };
}

/**
 * Applies a verification: the proxy has a request for the backend. While NATS is away this may be the only sign of use, so
 * the proxy counts as one that had something open.
 */
export function verified(usage: Usage, proxyId: string, now: number): Usage {
  const { registration = 0, open = 0 } = usage.reports.get(proxyId) ?? {};
  const report = { registration, open: Math.max(1, open), heardAt: now, verified: true };
  return { ...usage, activeAt: now, reports: remembered(usage.reports, now).set(proxyId, report) };
}

/** Whether the idle clock has run out, so that the proxies must be asked. A timeout of 0 never does. */
export function isDue(usage: Usage, idleTimeoutMs: number, now: number): boolean {
  return idleTimeoutMs > 0 && now - usage.activeAt >= idleTimeoutMs;
}

/**
 * The proxies to ask before an idle shutdown: those that can reach the backend, and those that had something open when they
 * last reported and are not forgotten yet.
 */
export function proxiesToAsk(usage: Usage, reaching: readonly string[], now: number): string[] {
  const vanished = [...usage.reports]
    .filter(([, report]) => report.open > 0 && now - report.heardAt < DEADLINES.proxyForgotten)
    .map(([proxyId]) => proxyId);
  return [...new Set([...reaching, ...vanished])];
}

/** The activity that the public API shows. */
export function activityOf(usage: Usage, idleTimeoutMs: number, now: number): Activity {
  const openConnections = [...usage.reports.values()]
    .filter(({ heardAt }) => now - heardAt < DEADLINES.activityFresh)
    .reduce((sum, { open }) => sum + open, 0);
  const idleForMs = openConnections > 0 ? 0 : Math.max(0, Math.round(now - usage.activeAt));
  const counting = idleTimeoutMs > 0 && openConnections === 0;
  const idleRemainingMs = counting ? Math.max(0, idleTimeoutMs - idleForMs) : undefined;
  return { openConnections, idleForMs, idleRemainingMs };
}

function remembered(reports: Usage['reports'], now: number): Map<string, ProxyReport> {
  return new Map([...reports].filter(([, { heardAt }]) => now - heardAt < REMEMBERED_MS));
}

/** If both are of the same instant, the newer report wins, because it may know more. */
function laterOf(before: Usage['last'], now: NonNullable<Usage['last']>): Usage['last'] {
  return before && before.at > now.at ? before : now;
}

function lastActive(open: number, ageMs: number, now: number): number {
  return open > 0 ? now : now - Math.max(0, ageMs);
}
