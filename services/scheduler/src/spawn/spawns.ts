import { AppError, type BackendId, parseBackendId } from '@spawner/domain';
import type { SpecSummary } from '@spawner/proto/internal/backend_status';
import { NodeKind } from '@spawner/proto/internal/node';
import { type BackendKey, type BackendSpec, BackendState, type StepTimes } from '@spawner/proto/v1/backend';
import type { ReusePolicy } from '@spawner/proto/v1/backend_service';
import { inSpan } from '@spawner/service';
import type { Parts } from '../parts.ts';
import type { Placed } from '../placement/placements.ts';
import { type BackendRecord, summaryOf, toBackend } from '../store/record.ts';
import { refuseOtherSpec, refuseOtherTag } from './holder.ts';
import { type Found, waitForKey } from './key-wait.ts';
import * as outcomes from './spawn-outcome.ts';

export interface SpawnCommand {
  id: BackendId;
  spec: BackendSpec;
  key: BackendKey | undefined;
  reusePolicy: ReusePolicy;
  /** An earlier call of this id may have been carried out. */
  repeated: boolean;
}

type SpawnParts = Pick<
  Parts,
  'store' | 'nodes' | 'placements' | 'backends' | 'replication' | 'clock' | 'metrics' | 'log'
>;

/**
 * Places a backend and hands it to its drone. The same id again is the same backend. A living holder of the key is
 * returned instead; while the holder is ending, or may be unknown, the call waits until the signal aborts. Throws
 * `failed_precondition` if the holder, or the backend with this id, is not the one that was asked for.
 */
export async function spawn(
  parts: SpawnParts,
  command: SpawnCommand,
  signal: AbortSignal,
): Promise<outcomes.SpawnOutcome> {
  const { backends, placements, clock, metrics } = parts;
  const { id, spec, key, reusePolicy } = command;
  const created = clock.wall();
  const began = clock.now();
  const summary = summaryOf(spec);
  const { digest } = summary;
  const found = await inSpan('place backend', { 'spawner.image': spec.image }, async (span) => {
    const last = await waitForKey(() => place(parts, command, summary, created), clock, signal);
    span.setAttribute('spawner.outcome', last.outcome);
    return last;
  });
  const placeMs = clock.now() - began;
  metrics.placed(found.outcome);
  switch (found.outcome) {
    case 'placed': {
      const { node, placement } = found;
      metrics.placedIn(placeMs / 1_000);
      return handOver(parts, { id, spec, key, node, placement, created, digest }, placeMs);
    }
    case 'exists':
      return adopt(parts, command, await backends.record(id), digest);
    case 'held':
      refuseOtherTag(found.holder, key?.tag ?? '');
      refuseOtherSpec(found.holder, reusePolicy, digest);
      return outcomes.held(toBackend(found.holder));
    case 'ending':
      return outcomes.holderEnding();
    case 'window':
      return outcomes.holderUnknown(found.leftMs);
    case 'unconfirmed':
      await placements.abandonUnreplicated(id);
      return outcomes.notReplicated(id);
    case 'none':
      return outcomes.noRoom(found, summary);
  }
}

/** Tries once. The end of a holder may have begun since the placement was tried. */
async function place(
  { store, backends }: SpawnParts,
  { id, key, repeated }: SpawnCommand,
  summary: SpecSummary,
  created: Date,
): Promise<Found> {
  const placement = await store.place({ id, summary, created, key, repeated });
  if (placement.outcome !== 'held') return placement;
  const holder = await backends.record(parseBackendId(placement.holder));
  return holder.state >= BackendState.TERMINATING ? { outcome: 'ending' } : { outcome: 'held', holder };
}

async function handOver(parts: SpawnParts, handed: Placed, placeMs?: number) {
  const { placements, backends, clock, metrics } = parts;
  const began = clock.now();
  const result = await placements.handOver(handed);
  if (result === 'full') return outcomes.queueFull(handed.node.id);
  if (result === 'refused') return outcomes.startRefused(handed.node.id);
  const handOverMs = clock.now() - began;
  metrics.handedOver(handOverMs / 1_000);
  // A repeated spawn may have been placed by another scheduler, which had its own clock.
  const placed = placeMs === undefined ? {} : { placeMs: Math.round(placeMs) };
  const steps = { ...placed, handOverMs: Math.round(handOverMs) };
  // The read shares the round trip to the store, and overtakes the write if the store has to load the script.
  const kept = keepTimes(parts, handed.id, steps);
  const backend = await backends.get(handed.id);
  await kept;
  return outcomes.placed({ ...backend, steps: { ...backend.steps, ...steps } });
}

/** Never rejects: no spawn fails for the sake of its times. */
async function keepTimes({ store, log }: SpawnParts, id: BackendId, steps: StepTimes): Promise<void> {
  await store
    .handed(id, steps)
    .catch((error: unknown) => log.info({ error, backend: id }, 'the times of a spawn were not kept'));
}

/**
 * Answers a repeated spawn. The scheduler that placed the backend may have died before it handed it over, so a
 * backend that its drone has never reported on is handed over once more.
 */
async function adopt(parts: SpawnParts, command: SpawnCommand, record: BackendRecord, digest: Uint8Array) {
  const { replication, nodes, backends, placements } = parts;
  const { state, status, drone, placement, created, summary, key } = record;
  if (!command.repeated || state !== BackendState.SCHEDULED || status)
    return outcomes.placed(await backends.shown(record));
  if (Buffer.compare(summary.digest, digest) !== 0)
    throw new AppError('failed_precondition', 'this id was placed with another spec');
  if (key && !(await replication.confirmed(placement))) {
    await placements.abandonUnreplicated(command.id);
    return outcomes.notReplicated(command.id);
  }
  const node = await nodes.find(NodeKind.DRONE, drone);
  if (!node) return outcomes.placed(await backends.shown(record));
  return handOver(parts, { id: command.id, spec: command.spec, key, node, placement, created, digest });
}
