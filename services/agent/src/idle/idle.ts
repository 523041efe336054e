import { DEADLINES } from '@spawner/domain';
import type { LastExchange, ProxyActivity } from '@spawner/proto/internal/telemetry';
import type { Activity } from '@spawner/proto/v1/backend';

/**
 * Who uses one backend, from what proxies report. Reports may be lost, so they only keep the clock
 * fresh: when it runs out, the end is settled (settlement.ts). Instants
 * are milliseconds of the agent's clock; what proxies send are ages.
 */
export interface Usage {
  /** When something was last going on, as far as is known. */
  readonly activeAt: number;
  /** The last word of each proxy. */
  readonly words: ReadonlyMap<string, Word>;
  /** The last use that a proxy told of. */
  readonly last?: { readonly at: number; readonly proxyId: string } & Partial<LastExchange>;
}

export interface Word {
  readonly registration: number;
  readonly open: number;
  readonly heardAt: number;
  /** It asked after the backend since its last report, and may be another process than the one that reported. */
  readonly verified?: boolean;
}

type Said = Pick<ProxyActivity, 'open' | 'ageMs' | 'last'>;

/** A report counts as the present this long. */
const FRESH_MS = DEADLINES.activityFresh;
/** Proxies come back under new names: what one said last is forgotten long after it could matter. */
const REMEMBERED_MS = 15 * 60_000;

/** Nobody has been heard of; the clock begins. */
export function unusedSince(activeAt: number): Usage {
  return { activeAt, words: new Map() };
}

/** A proxy's report. One of an older registration of the same proxy changes nothing. */
export function reported(
  usage: Usage,
  proxyId: string,
  registration: number,
  { open, ageMs, last: exchange }: Said,
  now: number,
): Usage {
  const before = usage.words.get(proxyId);
  if (before && before.registration > registration) return usage;
  const words = remembered(usage.words, now).set(proxyId, { registration, open, heardAt: now });
  const at = lastActive(open, ageMs, now);
  const last = laterOf(usage.last, { at, proxyId, ...exchange });
  return { activeAt: Math.max(usage.activeAt, at), words, last };
}

/**
 * What a proxy said of the last use when it was asked. Unlike a report it is not about something that goes on, so only
 * a proxy that names an exchange had a use: others give the age of their own start.
 */
export function answered(usage: Usage, proxyId: string, { open, ageMs, last }: Said, now: number): Usage {
  if (!last) return usage;
  return { ...usage, last: laterOf(usage.last, { at: lastActive(open, ageMs, now), proxyId, ...last }) };
}

/**
 * A proxy that has a request for it was told that it is there. That is a use, and may be all that is heard of it while
 * the bus is away; so from then on that proxy is one that was in use when last heard of.
 */
export function verified(usage: Usage, proxyId: string, now: number): Usage {
  const { registration = 0, open = 0 } = usage.words.get(proxyId) ?? {};
  const words = remembered(usage.words, now).set(proxyId, {
    registration,
    open: Math.max(1, open),
    heardAt: now,
    verified: true,
  });
  return { ...usage, activeAt: now, words };
}

/** Whether the clock has run out, so that the proxies must be asked. A timeout of 0 is never. */
export function isDue(usage: Usage, idleTimeoutMs: number, now: number): boolean {
  return idleTimeoutMs > 0 && now - usage.activeAt >= idleTimeoutMs;
}

/**
 * Whom to ask before an end: the proxies that can reach it, and any that was in use when last heard of
 * and has not been away for so long that it is forgotten.
 */
export function whomToAsk(usage: Usage, reaching: readonly string[], now: number): string[] {
  const vanished = [...usage.words]
    .filter(([, word]) => word.open > 0 && now - word.heardAt < DEADLINES.proxyForgotten)
    .map(([proxyId]) => proxyId);
  return [...new Set([...reaching, ...vanished])];
}

/** What people are shown. */
export function activityOf(usage: Usage, idleTimeoutMs: number, now: number): Activity {
  const openConnections = [...usage.words.values()]
    .filter(({ heardAt }) => now - heardAt < FRESH_MS)
    .reduce((sum, { open }) => sum + open, 0);
  const idleForMs = openConnections > 0 ? 0 : Math.max(0, Math.round(now - usage.activeAt));
  const counting = idleTimeoutMs > 0 && openConnections === 0;
  return {
    openConnections,
    idleForMs,
    idleRemainingMs: counting ? Math.max(0, idleTimeoutMs - idleForMs) : undefined,
  };
}

function remembered(words: Usage['words'], now: number): Map<string, Word> {
  return new Map([...words].filter(([, { heardAt }]) => now - heardAt < REMEMBERED_MS));
}

/** Of the same moment the one that is told now, because it may know more. */
function laterOf(before: Usage['last'], now: NonNullable<Usage['last']>): Usage['last'] {
  return before && before.at > now.at ? before : now;
}

function lastActive(open: number, ageMs: number, now: number): number {
  return open > 0 ? now : now - Math.max(0, ageMs);
}
