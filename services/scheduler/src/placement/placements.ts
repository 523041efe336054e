import { type BackendId, DEADLINES, isAppError } from '@spawner/domain';
import type { Node } from '@spawner/proto/internal/node';
import { type BackendKey, type BackendSpec, BackendState, EndReason } from '@spawner/proto/v1/backend';
import type { Parts } from '../parts.ts';

type PlacementsParts = Pick<Parts, 'store' | 'agents' | 'claims' | 'announce' | 'clock' | 'log'>;

/** A placement that its drone has not accepted yet. */
export interface Placed {
  readonly id: BackendId;
  readonly spec: BackendSpec;
  readonly key: BackendKey | undefined;
  readonly node: Node;
  readonly placement: number;
  readonly created: Date;
  /** SHA-256 of the spec. */
  readonly digest: Uint8Array;
}

type HandOver = 'taken' | 'refused' | 'full';

/** Carries a placement to its drone, or abandons it: the backend then ends without ever having run. */
export class Placements {
  readonly #parts: PlacementsParts;

  constructor(parts: PlacementsParts) {
    this.#parts = parts;
  }

  /**
   * Hands a placed backend to its drone. If the drone refused it, and the placement was abandoned, the result says whether the
   * cause was a full start queue.
   */
  async handOver({ id, spec, key, node, placement, created, digest }: Placed): Promise<HandOver> {
    const { agents, claims, log } = this.#parts;
    const claim = claims.sign({ id, drone: node.id, placement, key, digest });
    const start = { id, registration: node.registration, placement, createTime: created, spec, key, claim };
    try {
      await agents.at(node.rpcAddress).startBackend(start, { timeoutMs: DEADLINES.start });
      return 'taken';
    } catch (error) {
      log.warn({ error, backend: id, drone: node.id }, 'a drone did not take a backend');
      // If the drone's report was quicker than its answer, the drone has the backend after all.
      if (!(await this.#abandonUnreported(id, `drone ${node.id} did not take it`))) return 'taken';
      return isAppError(error, 'exhausted') ? 'full' : 'refused';
    }
  }

  /** Abandons a placement whose key is on too few replicas. It was not handed to any drone. */
  async abandonUnreplicated(id: BackendId): Promise<void> {
    const { store, announce, clock, log } = this.#parts;
    const cause = 'too few replicas of the store have its key';
    try {
      const record = await store.get(id);
      if (!record) throw await store.absence(id);
      await store.abandon(record, 'any', { reason: EndReason.INTERNAL, detail: cause, now: clock.wall() });
      await announce(id);
    } catch (error) {
      log.warn({ error, backend: id }, 'a placement is abandoned only when its reservation expires');
    }
  }

  /** Abandons a placement whose reservation has expired. */
  async expire(id: BackendId): Promise<void> {
    await this.#abandonUnreported(id, 'its drone never reported on it');
  }

  /** Ends a backend that its drone has not reported on. Returns whether it has ended. */
  async #abandonUnreported(id: BackendId, detail: string): Promise<boolean> {
    const { store, announce, clock } = this.#parts;
    const record = await store.get(id);
    if (!record) return true;
    const end = { reason: EndReason.INTERNAL, detail, now: clock.wall() };
    const ended = await store.abandon(record, 'unreported', end);
    if (ended) await announce(id);
    return ended || (await store.get(id))?.state === BackendState.TERMINATED;
  }
}
