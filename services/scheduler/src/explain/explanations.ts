import { type BackendId, DEADLINES, isLiving } from '@spawner/domain';
import type { ExplainBackendResponse } from '@spawner/proto/v1/backend_service';
import { type BackendClock, ClockName } from '@spawner/proto/v1/explanation';
import { isStrict } from '../leases/leases.ts';
import type { Parts } from '../parts.ts';
import { agentOf } from '../placement/agents.ts';
import { type BackendRecord, toBackend } from '../store/record.ts';
import { startSummary } from './start-summary.ts';
import { lifeSummary, placementSummary } from './summary.ts';

/** An explanation without the drone is better than a long wait for it. */
const ASK_MS = 1_000;

type ExplainParts = Pick<Parts, 'nodes' | 'backends' | 'agents' | 'clock' | 'log'>;

/**
 * Explains why a backend is alive or why it ended, from its record and, while it lives, from its drone. Throws `not_found`,
 * or `unavailable` if a drone can still report the backend. If its drone does not answer within a second, `missing` says so.
 */
export async function explain(parts: ExplainParts, id: BackendId): Promise<ExplainBackendResponse> {
  const record = await parts.backends.record(id);
  const living = isLiving(record.state);
  const [said, silentMs] = await Promise.all([
    living ? ask(parts, record) : undefined,
    parts.nodes.silence(record.drone),
  ]);
  const strict = isStrict(record);
  const unreachable = living && silentMs > DEADLINES.renewalsMissed;
  const { activity, queuePosition, expectedWaitMs, pull } = said ?? {};
  const backend = { ...toBackend(record, unreachable), activity, queuePosition, expectedWaitMs, pull };
  const clocks = [...(said?.clocks ?? []), ...(living ? leaseOf(silentMs, strict) : [])];
  const refusedEnds = said?.refusedEnds ?? [];
  const unforwardableAnswer = said?.unforwardableAnswer;
  const endReason = said?.endReason ?? backend.endReason;
  const now = parts.clock.wall();
  const { drone: droneId, candidates, created: time } = record;
  return {
    backend,
    summary: lifeSummary({
      ...{ backend, clocks, refusedEnds, unforwardableAnswer, endReason },
      ...{ silentMs, strict, now },
    }),
    clocks,
    placement: { droneId, time, candidates, summary: placementSummary(droneId, candidates) },
    proxies: said?.proxies ?? [],
    lastActivity: said?.lastActivity,
    refusedEnds,
    unforwardableAnswer,
    startSummary: startSummary(backend.steps),
    missing: living && !said ? `drone ${droneId} could not be asked: its clocks and who uses it` : '',
  };
}

async function ask(parts: ExplainParts, { id, drone }: BackendRecord) {
  const agent = await agentOf(drone, parts);
  try {
    return await agent?.explainBackend({ id }, { timeoutMs: ASK_MS });
  } catch (error) {
    parts.log.info({ error, backend: id, drone }, 'an explanation goes without its drone');
    return undefined;
  }
}

function leaseOf(silentMs: number, strict: boolean): BackendClock[] {
  if (!Number.isFinite(silentMs)) return [];
  const limitMs = strict ? DEADLINES.leaseGiveAway : DEADLINES.droneForgotten;
  return [
    { name: ClockName.LEASE, limitMs, elapsedMs: silentMs, remainingMs: Math.max(0, limitMs - silentMs) },
  ];
}
