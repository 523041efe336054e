import { AppError, type BackendId, DEADLINES, isLiving, parseBackendId } from '@spawner/domain';
import type { ListBackendsRequest } from '@spawner/proto/internal/scheduler_service';
import { type Backend, type BackendKey, BackendState, EndReason } from '@spawner/proto/v1/backend';
import { LogStream, type TailLogsResponse } from '@spawner/proto/v1/backend_service';
import type { Parts } from '../parts.ts';
import { agentOf } from '../placement/agents.ts';
import { refuseOtherTag } from '../spawn/holder.ts';
import { type BackendRecord, toBackend } from '../store/record.ts';

/** The store keeps the order, so the agent receives it at its next renewal if this call fails. */
const STOP_MS = 1_000;
/** The most records that are read at once. */
const PAGE = 200;
/** A call of `list` that has looked at this many records returns a short page. */
const SCAN = 2_000;
/** A page with this many bytes of records is short, too: a gRPC client takes at most 4 MiB by default. */
const PAGE_BYTES = 1024 * 1024;

type BackendsParts = Pick<Parts, 'store' | 'nodes' | 'agents' | 'log'>;

/** The backends on record, as gateways ask for them. */
export class Backends {
  readonly #parts: BackendsParts;

  constructor(parts: BackendsParts) {
    this.#parts = parts;
  }

  /**
   * The id of the backend that holds a key. Throws `not_found` for a free key, `unavailable` if a drone can still report
   * a holder, and `failed_precondition` if the key names another tag than the holder's.
   */
  async holder(key: BackendKey): Promise<BackendId> {
    const id = await this.#parts.store.holder(key);
    const record = id === undefined ? undefined : await this.#parts.store.get(id);
    if (!record) throw await this.#parts.store.absence('', 'no backend holds this key');
    if (key.tag !== '') refuseOtherTag(record, key.tag);
    return parseBackendId(record.id);
  }

  async get(id: BackendId): Promise<Backend> {
    return this.shown(await this.record(id));
  }

  /**
   * A page of records placed before the tick `first`, newest first. `next` is the placement before which the next page
   * begins.
   */
  async list(
    query: ListBackendsRequest,
    first: number,
  ): Promise<{ backends: Backend[]; next: number | undefined }> {
    const found: BackendRecord[] = [];
    const page = async (next: number | undefined) => {
      const lost = await this.#silentDrones(found);
      return { backends: found.map((record) => toBackend(record, isUnreachable(record, lost))), next };
    };
    let bytes = 0;
    let before: number | undefined = first;
    for (let seen = 0; seen < SCAN && before !== undefined; ) {
      const { records, next } = await this.#parts.store.page(before, PAGE);
      seen += records.length;
      for (const record of records) {
        if (!matches(record, query)) continue;
        found.push(record);
        bytes += record.bytes;
        if (found.length === query.pageSize || bytes >= PAGE_BYTES) return page(record.placement);
      }
      before = next;
    }
    return page(before);
  }

  /** Writes a stop order, sends it to the agent, and returns the record as it is now. */
  async terminate(id: BackendId, force: boolean): Promise<Backend> {
    const order = { id, force, reason: EndReason.REQUESTED };
    const outcome = await this.#parts.store.stop(order);
    if (outcome === undefined) throw await this.#parts.store.absence(id);
    const agent = outcome === 'ended' ? undefined : await agentOf(outcome.drone, this.#parts);
    await agent
      ?.stopBackend(order, { timeoutMs: STOP_MS })
      .catch((error: unknown) =>
        this.#parts.log.info(
          { error, backend: id },
          'the agent will receive a stop order at its next renewal',
        ),
      );
    return this.get(id);
  }

  /** The lines that the agent has. For an ended backend, which its agent may have forgotten, the last lines on record. */
  async *tailLogs(
    id: BackendId,
    options: { follow: boolean; tailLines?: number },
    signal: AbortSignal,
  ): AsyncGenerator<TailLogsResponse> {
    const { drone, state, status } = await this.record(id);
    if (state === BackendState.TERMINATED) {
      const { lastLogs = [] } = status ?? {};
      const first = Math.max(0, lastLogs.length - (options.tailLines ?? lastLogs.length));
      for (const text of lastLogs.slice(first))
        yield { stream: LogStream.STDOUT, time: undefined, text, lastOnly: true };
      return;
    }
    const agent = await agentOf(drone, this.#parts);
    if (!agent) throw new AppError('unavailable', `drone ${drone} is not known`);
    for await (const { line } of agent.tailLogs({ id, ...options }, { signal })) if (line) yield line;
  }

  /** The drones of the living backends among these records that have missed their renewals. */
  async #silentDrones(records: readonly BackendRecord[]): Promise<Set<string>> {
    const living = records.filter(({ state }) => isLiving(state));
    const drones = [...new Set(living.map(({ drone }) => drone))];
    const silences = await Promise.all(drones.map((drone) => this.#parts.nodes.silence(drone)));
    return new Set(drones.filter((_, index) => (silences[index] ?? 0) > DEADLINES.renewalsMissed));
  }

  /** A record as callers see it, with the reachability of its drone. */
  async shown(record: BackendRecord): Promise<Backend> {
    const lost = await this.#silentDrones([record]);
    return toBackend(record, isUnreachable(record, lost));
  }

  /** Throws `not_found`, or `unavailable` if a drone can still report the backend. */
  async record(id: BackendId): Promise<BackendRecord> {
    const record = await this.#parts.store.get(id);
    if (!record) throw await this.#parts.store.absence(id);
    return record;
  }
}

/** Empty states, drone and labels stand for all. */
function matches(record: BackendRecord, { states, droneId, labels }: ListBackendsRequest): boolean {
  return (
    (states.length === 0 || states.includes(record.state)) &&
    (droneId === '' || record.drone === droneId) &&
    Object.entries(labels).every(([name, value]) => record.summary.labels[name] === value)
  );
}

function isUnreachable({ state, drone }: BackendRecord, silent: ReadonlySet<string>): boolean {
  return isLiving(state) && silent.has(drone);
}
