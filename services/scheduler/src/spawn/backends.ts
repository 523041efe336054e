import type { Bus } from '@spawner/bus';
import { SUBJECTS } from '@spawner/bus';
import { AppError, type BackendId, type Clock, DEADLINES, isLiving, parseBackendId } from '@spawner/domain';
import { type Node, NodeKind } from '@spawner/proto/internal/node';
import {
  type Backend,
  type BackendKey,
  type BackendSpec,
  BackendState,
  EndReason,
} from '@spawner/proto/v1/backend';
import { LogStream, type ReusePolicy, type TailLogsResponse } from '@spawner/proto/v1/backend_service';
import { counter, inSpan, type Log } from '@spawner/service';
import type { BackendStore, Placement } from '../store/backend-store.ts';
import type { NodeStore } from '../store/node-store.ts';
import { type BackendRecord, summaryOf, toBackend } from '../store/record.ts';
import type { Agents } from './agents.ts';
import type { Claims } from './claim.ts';
import { refuseOtherSpec, refuseOtherTag } from './holder.ts';
import { type ListQuery, matches } from './list-query.ts';
import {
  held,
  holderEnding,
  holderUnknown,
  noRoom,
  notReplicated,
  placed,
  type SpawnOutcome,
  startRefused,
} from './spawn-outcome.ts';

/** A start that its agent has not taken by then is given to nobody else; it is ended. */
const START_MS = DEADLINES.start;
/** The order stands in the store; telling the agent at once only makes it quicker. */
const STOP_MS = 1_000;
/** The end of a key's holder is looked for this often. */
const LOOK_MS = 100;
/** And the close of a store epoch's window this often: it may last, and many may wait for it. */
const WINDOW_LOOK_MS = 500;
const PAGE = 200;
/** How many records one call of list looks at before it gives a short page. */
const SCAN = 2_000;
/** A page is short too where its records have so many bytes: gRPC's clients take 4 MiB unless they are told otherwise. */
const PAGE_BYTES = 1024 * 1024;

export interface SpawnCommand {
  id: BackendId;
  spec: BackendSpec;
  key: BackendKey | undefined;
  reusePolicy: ReusePolicy;
  /** An earlier call of this id may have been carried out. */
  repeated: boolean;
}

/** What was found for a spawn: a placement, or a living holder of the key that may be returned. */
type Found = Exclude<Placement, { outcome: 'held' }> | { outcome: 'held'; holder: BackendRecord };

/** What a drone is told of a placement beside the spawn itself. */
interface Handed {
  node: Node;
  placement: number;
  created: Date;
  /** Of the spec. */
  digest: Uint8Array;
}

/** What gateways ask of backends. */
export class Backends {
  readonly #store: BackendStore;
  readonly #nodes: NodeStore;
  readonly #agents: Agents;
  readonly #claims: Claims;
  readonly #bus: Bus;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #placed = counter('spawner.scheduler.placements', 'Placements by outcome');

  constructor(
    store: BackendStore,
    nodes: NodeStore,
    agents: Agents,
    claims: Claims,
    bus: Bus,
    clock: Clock,
    log: Log,
  ) {
    this.#store = store;
    this.#nodes = nodes;
    this.#agents = agents;
    this.#claims = claims;
    this.#bus = bus;
    this.#clock = clock;
    this.#log = log;
  }

  /**
   * Places a backend and hands it to its drone. The same id again is the same backend. A living holder of the key is
   * returned instead; while the holder is ending, or may be unknown, the call waits until the signal aborts. Throws
   * `failed_precondition` if the holder, or the backend with this id, is not the one that was asked for.
   */
  async spawn(command: SpawnCommand, signal: AbortSignal): Promise<SpawnOutcome> {
    const { id, spec, key, reusePolicy } = command;
    const created = this.#clock.wall();
    const summary = summaryOf(spec);
    const found = await inSpan('place backend', { 'spawner.image': spec.image }, async (span) => {
      const place = () => this.#store.place(id, summary, created, key, command.repeated);
      const placement = await this.#place(place, signal);
      span.setAttribute('spawner.outcome', placement.outcome);
      return placement;
    });
    this.#placed({ outcome: found.outcome });
    switch (found.outcome) {
      case 'placed':
        return this.#handOver(command, { ...found, created, digest: summary.digest });
      case 'exists':
        return this.#adopt(command, await this.#record(id), summary.digest);
      case 'held':
        refuseOtherTag(found.holder, key?.tag ?? '');
        refuseOtherSpec(found.holder, reusePolicy, summary.digest);
        return held(toBackend(found.holder));
      case 'ending':
        return holderEnding();
      case 'window':
        return holderUnknown(found.leftMs);
      case 'unconfirmed':
        return this.#undo(id);
      case 'none':
        return noRoom(found);
    }
  }

  async #handOver(command: SpawnCommand, handed: Handed): Promise<SpawnOutcome> {
    const taken = await this.#start(command, handed);
    return taken ? placed(await this.get(command.id)) : startRefused(handed.node.id);
  }

  /** Hands a placed backend to its drone. False if the drone refused it and the placement was abandoned. */
  async #start({ id, spec, key }: SpawnCommand, handed: Handed): Promise<boolean> {
    const { node, placement, created, digest } = handed;
    const start = {
      id,
      registration: node.registration,
      placement,
      createTime: created,
      spec,
      key,
      claim: this.#claims.sign({ id, drone: node.id, placement, key, digest }),
    };
    try {
      await this.#agents.at(node.rpcAddress).startBackend(start, { timeoutMs: START_MS });
      return true;
    } catch (error) {
      this.#log.warn({ error, backend: id, drone: node.id }, 'a drone did not take a backend');
      // If the drone's report was quicker than its answer, the drone has the backend after all.
      return !(await this.#abandon(id, `drone ${node.id} did not take it`));
    }
  }

  /**
   * Answers a repeated spawn. The scheduler that placed the backend may have died before it handed it over, so a
   * backend that its drone has never reported on is handed over once more.
   */
  async #adopt(command: SpawnCommand, record: BackendRecord, digest: Uint8Array): Promise<SpawnOutcome> {
    const { state, status, drone, placement, created, summary, key } = record;
    if (!command.repeated || state !== BackendState.SCHEDULED || status)
      return placed(await this.#told(record));
    if (Buffer.compare(summary.digest, digest) !== 0)
      throw new AppError('failed_precondition', 'this id was placed with another spec');
    if (key && !(await this.#store.isReplicated(placement))) return this.#undo(command.id);
    const node = await this.#nodes.find(NodeKind.DRONE, drone);
    if (!node) return placed(await this.#told(record));
    return this.#handOver({ ...command, key }, { node, placement, created, digest });
  }

  /** Places as soon as the key is free and its holder known. Returns what was found last when the signal aborts. */
  async #place(attempt: () => Promise<Placement>, signal: AbortSignal): Promise<Found> {
    for (;;) {
      const found = await this.#withHolder(await attempt());
      if (found.outcome !== 'ending' && found.outcome !== 'window') return found;
      const ms = found.outcome === 'ending' ? LOOK_MS : WINDOW_LOOK_MS;
      await this.#clock.sleep(ms, signal).catch(() => {});
      if (signal.aborted) return found;
    }
  }

  /** Reads the record of a holder. Its end may have begun since the placement was tried. */
  async #withHolder(placement: Placement): Promise<Found> {
    if (placement.outcome !== 'held') return placement;
    const holder = await this.#record(parseBackendId(placement.holder));
    if (holder.state >= BackendState.TERMINATING) return { outcome: 'ending', holder: holder.id };
    return { outcome: 'held', holder };
  }

  /** Id of the backend that holds a key. Throws `not_found` for a free one, `unavailable` while it may be told of yet, `failed_precondition` for another tag than a given one. */
  async holder(key: BackendKey): Promise<BackendId> {
    const id = await this.#store.holder(key);
    const record = id === undefined ? undefined : await this.#store.get(id);
    if (!record) throw await this.#store.absence('', 'no backend holds this key');
    if (key.tag !== '') refuseOtherTag(record, key.tag);
    return parseBackendId(record.id);
  }

  async get(id: BackendId): Promise<Backend> {
    return this.#told(await this.#record(id));
  }

  /** A page of records, newest first; the token is the placement before which the next one begins. */
  async list(query: ListQuery): Promise<{ backends: Backend[]; next: number | undefined }> {
    const found: BackendRecord[] = [];
    const page = async (next: number | undefined) => {
      const lost = await this.#silentDrones(found);
      return { backends: found.map((record) => toBackend(record, isUnreachable(record, lost))), next };
    };
    let bytes = 0;
    let before: number | undefined = query.before;
    for (let seen = 0; seen < SCAN && before !== undefined; seen += PAGE) {
      const { records, next } = await this.#store.page(before, PAGE);
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

  /** Writes the wanted end down, tells the agent, and answers with the record as it is. */
  async terminate(id: BackendId, force: boolean): Promise<Backend> {
    const order = { id, force, reason: EndReason.REQUESTED };
    const outcome = await this.#store.stop(order);
    if (outcome === undefined) throw await this.#store.absence(id);
    if (outcome !== 'ended') {
      const node = await this.#nodes.find(NodeKind.DRONE, outcome.drone);
      if (node)
        await this.#agents
          .at(node.rpcAddress)
          .stopBackend(order, { timeoutMs: STOP_MS })
          .catch((error: unknown) =>
            this.#log.info({ error, backend: id }, 'the agent hears of a stop at its renewal'),
          );
    }
    return this.get(id);
  }

  /** Hands the agent's lines on; of an ended backend, which its agent may have forgotten, the last ones on record. */
  async *tailLogs(
    id: BackendId,
    options: { follow: boolean; tailLines?: number },
    signal: AbortSignal,
  ): AsyncGenerator<TailLogsResponse> {
    const { drone, state, status } = await this.#record(id);
    if (state === BackendState.TERMINATED) {
      const { lastLogs = [] } = status ?? {};
      const first = Math.max(0, lastLogs.length - (options.tailLines ?? lastLogs.length));
      for (const text of lastLogs.slice(first)) yield { stream: LogStream.STDOUT, time: undefined, text };
      return;
    }
    const node = await this.#nodes.find(NodeKind.DRONE, drone);
    if (!node) throw new AppError('unavailable', `drone ${drone} is not known`);
    for await (const { line } of this.#agents.at(node.rpcAddress).tailLogs({ id, ...options }, { signal }))
      if (line) yield line;
  }

  /** A reservation that nobody took up: the backend ends here. */
  async expire(id: BackendId): Promise<void> {
    await this.#abandon(id, 'its drone never reported on it');
  }

  /** Tells watchers of a change that stands in the store. */
  async announce(id: string): Promise<void> {
    const record = await this.#store.get(id);
    if (record) this.#bus.publish(SUBJECTS.backendState, id, { backend: toBackend(record) });
  }

  /** Ends a backend that its drone has not reported on. Returns whether it has ended. */
  async #abandon(id: BackendId, detail: string): Promise<boolean> {
    const record = await this.#store.get(id);
    if (!record) return true;
    const ended = await this.#store.abandon(
      record,
      'unreported',
      EndReason.INTERNAL,
      detail,
      this.#clock.wall(),
    );
    if (ended) await this.announce(id);
    return ended || (await this.#store.get(id))?.state === BackendState.TERMINATED;
  }

  /** Abandons a placement that too few replicas have. It was not handed to any drone. */
  async #undo(id: BackendId): Promise<SpawnOutcome> {
    const cause = 'too few replicas of the store have its key';
    try {
      const record = await this.#record(id);
      await this.#store.abandon(record, 'any', EndReason.INTERNAL, cause, this.#clock.wall());
      await this.announce(id);
    } catch (error) {
      this.#log.warn({ error, backend: id }, 'a placement is abandoned only when its reservation expires');
    }
    return notReplicated(id);
  }

  /** Those drones of the living among these records that have missed their renewals. */
  async #silentDrones(records: readonly BackendRecord[]): Promise<Set<string>> {
    const living = records.filter(({ state }) => isLiving(state));
    const drones = [...new Set(living.map(({ drone }) => drone))];
    const silences = await Promise.all(drones.map((drone) => this.#nodes.silence(drone)));
    return new Set(drones.filter((_, index) => (silences[index] ?? 0) > DEADLINES.renewalsMissed));
  }

  async #told(record: BackendRecord): Promise<Backend> {
    const lost = await this.#silentDrones([record]);
    return toBackend(record, isUnreachable(record, lost));
  }

  async #record(id: BackendId): Promise<BackendRecord> {
    const record = await this.#store.get(id);
    if (!record) throw await this.#store.absence(id);
    return record;
  }
}

function isUnreachable({ state, drone }: BackendRecord, silent: ReadonlySet<string>): boolean {
  return isLiving(state) && silent.has(drone);
}
