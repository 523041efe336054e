import type { SettleReply } from '@spawner/proto/internal/telemetry';
import { answered, isDue, type Usage } from './idle.ts';

/**
 * The decision before an end for idleness (ARCHITECTURE.md, "Idle"): what the proxies answered and what the kernel sees
 * go in, the end or the giving back with the clock's true age comes out. Pure.
 */
export interface Evidence {
  /** One for each proxy that was asked; a missing one counts as use now. */
  readonly answers: readonly (SettleReply | undefined)[];
  /**
   * Of each proxy that cannot tell because a process of it is dead for certain, an instant by which it was: the one
   * that did not answer, or the one before the one that did.
   */
  readonly deadBy?: readonly (number | undefined)[];
  /** Established connections to the backend's port; nothing where the kernel cannot be asked. */
  readonly established: number | undefined;
}

/** Why a backend is not ended. */
export type Use = 'silent' | 'open' | 'held' | 'connected' | 'recent';

export interface Settlement {
  readonly end: boolean;
  readonly because: Use | 'unused';
  readonly usage: Usage;
}

/** Only nobody's use for the whole timeout, by everybody's word, is the end. Ages are counted back from `now`. */
export function settlement(usage: Usage, evidence: Evidence, idleTimeoutMs: number, now: number): Settlement {
  const use = useNow(evidence) ?? (isUnproven(evidence) ? 'silent' : undefined);
  if (use) return { end: false, because: use, usage: { ...usage, activeAt: now } };
  const activeAt = evidence.answers.reduce(
    (latest, answer, index) => Math.max(latest, lastUse(answer, evidence.deadBy?.[index], now)),
    usage.activeAt,
  );
  const after = { ...usage, activeAt };
  return isDue(after, idleTimeoutMs, now)
    ? { end: true, because: 'unused', usage: after }
    : { end: false, because: 'recent', usage: after };
}

/** Whether the answers alone leave the end open, so that the kernel is worth asking. */
export function nobodyUses(told: Pick<Evidence, 'answers' | 'deadBy'>): boolean {
  return useNow({ ...told, established: undefined }) === undefined;
}

/** The last use with what the proxies that were `asked` told of theirs; nothing else of `usage` changes. */
export function withLastUses(
  usage: Usage,
  asked: readonly string[],
  { answers }: Evidence,
  now: number,
): Usage {
  return asked.reduce((before, proxyId, index) => {
    const told = answers[index]?.activity;
    return told ? answered(before, proxyId, told, now) : before;
  }, usage);
}

/** A proxy that died had nothing going on any more by then; one that answers knows, unless that is of the one before it. */
function lastUse(answer: SettleReply | undefined, deadBy: number | undefined, now: number): number {
  if (!answer?.activity) return deadBy ?? now;
  return Math.min(deadBy ?? now, now - Math.max(0, answer.activity.ageMs));
}

/** That a process is dead says nothing of its connections: for those the kernel is asked. */
function isUnproven({ answers, established }: Evidence): boolean {
  return established === undefined && answers.some((answer) => !answer?.activity);
}

function useNow({ answers, deadBy = [], established = 0 }: Evidence): Use | undefined {
  if (answers.some((answer, index) => !answer?.activity && deadBy[index] === undefined)) return 'silent';
  if (answers.some((answer) => (answer?.activity?.open ?? 0) > 0)) return 'open';
  if (answers.some((answer) => (answer?.held ?? 0) > 0)) return 'held';
  return established > 0 ? 'connected' : undefined;
}
