import type { SettleReply } from '@spawner/proto/internal/telemetry';
import { answered, isDue, type Usage } from './idle.ts';

/**
 * The decision before an end for idleness (ARCHITECTURE.md, "Idle"): what the proxies answered and what the kernel sees
 * go in, the end or the giving back with the clock's true age comes out. Pure.
 */
export interface Evidence {
  /** One for each proxy that was asked; a missing one counts as use now. */
  readonly answers: readonly (SettleReply | undefined)[];
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
  const use = useNow(evidence);
  if (use) return { end: false, because: use, usage: { ...usage, activeAt: now } };
  const activeAt = evidence.answers.reduce(
    (latest, answer) => Math.max(latest, now - Math.max(0, answer?.activity?.ageMs ?? 0)),
    usage.activeAt,
  );
  const after = { ...usage, activeAt };
  return isDue(after, idleTimeoutMs, now)
    ? { end: true, because: 'unused', usage: after }
    : { end: false, because: 'recent', usage: after };
}

/** Whether the answers alone leave the end open, so that the kernel is worth asking. */
export function nobodyUses(answers: Evidence['answers']): boolean {
  return useNow({ answers, established: undefined }) === undefined;
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

function useNow({ answers, established = 0 }: Evidence): Use | undefined {
  if (answers.some((answer) => !answer?.activity)) return 'silent';
  if (answers.some((answer) => (answer?.activity?.open ?? 0) > 0)) return 'open';
  if (answers.some((answer) => (answer?.held ?? 0) > 0)) return 'held';
  return established > 0 ? 'connected' : undefined;
}
