import { hasSpoken, type Testimony } from './testimony.ts';
import { answered, isDue, type Usage } from './usage.ts';

/** The answers of the proxies and the kernel before an idle shutdown (ARCHITECTURE.md, "Idle"). */
export interface Evidence {
  /** Each proxy that was asked has one. */
  readonly testimonies: readonly Testimony[];
  /** Established connections to the backend's port. Undefined if the kernel cannot be asked. */
  readonly established: number | undefined;
}

/** Why a backend does not end. */
export type Use = 'silent' | 'open' | 'held' | 'connected' | 'recent';

export interface Settlement {
  readonly end: boolean;
  readonly because: Use | 'unused';
  /** The usage with the idle clock's true age. */
  readonly usage: Usage;
}

/** Decides whether the backend ends: only if it was unused for the whole timeout, as far as every proxy knows. Pure. */
export function settlement(usage: Usage, evidence: Evidence, idleTimeoutMs: number, now: number): Settlement {
  const use = useNow(evidence) ?? (isUnproven(evidence) ? 'silent' : undefined);
  if (use) return { end: false, because: use, usage: { ...usage, activeAt: now } };
  const uses = evidence.testimonies.map((testimony) => lastUse(testimony, now));
  const after = { ...usage, activeAt: Math.max(usage.activeAt, ...uses) };
  return isDue(after, idleTimeoutMs, now)
    ? { end: true, because: 'unused', usage: after }
    : { end: false, because: 'recent', usage: after };
}

/** Whether no proxy reports a use, so that the kernel is worth asking. */
export function noProxyUses(testimonies: readonly Testimony[]): boolean {
  return useNow({ testimonies, established: undefined }) === undefined;
}

/** The usage with the last use that each proxy has answered; nothing else changes. */
export function withLastUses(usage: Usage, { testimonies }: Evidence, now: number): Usage {
  return testimonies.reduce(
    (before, { proxyId, reply }) =>
      reply?.activity ? answered(before, proxyId, reply.activity, now) : before,
    usage,
  );
}

/**
 * A dead process can have used the backend until its death. A proxy that has restarted counts its age from its own start,
 * so the death of its predecessor is the last possible use if it came earlier.
 */
function lastUse({ reply, deadBy }: Testimony, now: number): number {
  if (!reply?.activity) return deadBy ?? now;
  return Math.min(deadBy ?? now, now - Math.max(0, reply.activity.ageMs));
}

/** A dead process can leave connections behind; only the kernel can rule them out. */
function isUnproven({ testimonies, established }: Evidence): boolean {
  return established === undefined && !testimonies.every(hasSpoken);
}

function useNow({ testimonies, established = 0 }: Evidence): Use | undefined {
  if (testimonies.some((each) => !hasSpoken(each) && each.deadBy === undefined)) return 'silent';
  if (testimonies.some(({ reply }) => (reply?.activity?.open ?? 0) > 0)) return 'open';
  if (testimonies.some(({ reply }) => (reply?.held ?? 0) > 0)) return 'held';
  return established > 0 ? 'connected' : undefined;
}
