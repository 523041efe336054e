import { type BackendId, type Clock, DEADLINES, isLiving } from '@spawner/domain';
import type { AgentServiceExplainBackendResponse } from '@spawner/proto/internal/agent_service';
import { NodeKind } from '@spawner/proto/internal/node';
import type { ExplainBackendResponse } from '@spawner/proto/v1/backend_service';
import { type BackendClock, ClockName } from '@spawner/proto/v1/explanation';
import type { Log } from '@spawner/service';
import { isStrict } from '../leases/leases.ts';
import type { Agents } from '../spawn/agents.ts';
import type { BackendStore } from '../store/backend-store.ts';
import type { NodeStore } from '../store/node-store.ts';
import { type BackendRecord, toBackend } from '../store/record.ts';
import { lifeSummary, placementSummary } from './summary.ts';

/** An explanation without the drone is better than a long wait for it. */
const ASK_MS = 1_000;

/** Why backends are alive or why they ended: the record, and for a living one what its drone alone knows. */
export class Explanations {
  readonly #store: BackendStore;
  readonly #nodes: NodeStore;
  readonly #agents: Agents;
  readonly #clock: Clock;
  readonly #log: Log;

  constructor(store: BackendStore, nodes: NodeStore, agents: Agents, clock: Clock, log: Log) {
    this.#store = store;
    this.#nodes = nodes;
    this.#agents = agents;
    this.#clock = clock;
    this.#log = log;
  }

  /** Throws `not_found`, or `unavailable` while it may be told of yet. A drone that does not answer within a second is named in `missing`. */
  async of(id: BackendId): Promise<ExplainBackendResponse> {
    const record = await this.#store.get(id);
    if (!record) throw await this.#store.absence(id);
    const living = isLiving(record.state);
    const [said, silentMs] = await Promise.all([
      living ? this.#ask(record) : undefined,
      this.#nodes.silence(record.drone),
    ]);
    const strict = isStrict(record);
    const unreachable = living && silentMs > DEADLINES.renewalsMissed;
    const backend = { ...toBackend(record, unreachable), activity: said?.activity };
    const clocks = [...(said?.clocks ?? []), ...(living ? leaseOf(silentMs, strict) : [])];
    const refusedEnds = said?.refusedEnds ?? [];
    const endReason = said?.endReason ?? backend.endReason;
    const now = this.#clock.wall();
    const { drone: droneId, candidates, created: time } = record;
    return {
      backend,
      summary: lifeSummary({ backend, clocks, refusedEnds, endReason, silentMs, strict, now }),
      clocks,
      placement: { droneId, time, candidates, summary: placementSummary(droneId, candidates) },
      proxies: said?.proxies ?? [],
      lastActivity: said?.lastActivity,
      refusedEnds,
      missing: living && !said ? `drone ${droneId} could not be asked: its clocks and who uses it` : '',
    };
  }

  async #ask({ id, drone }: BackendRecord): Promise<AgentServiceExplainBackendResponse | undefined> {
    const node = await this.#nodes.find(NodeKind.DRONE, drone);
    if (!node) return undefined;
    try {
      return await this.#agents.at(node.rpcAddress).explainBackend({ id }, { timeoutMs: ASK_MS });
    } catch (error) {
      this.#log.info({ error, backend: id, drone }, 'an explanation goes without its drone');
      return undefined;
    }
  }
}

function leaseOf(silentMs: number, strict: boolean): BackendClock[] {
  if (!Number.isFinite(silentMs)) return [];
  const limitMs = strict ? DEADLINES.leaseGiveAway : DEADLINES.droneForgotten;
  return [
    { name: ClockName.LEASE, limitMs, elapsedMs: silentMs, remainingMs: Math.max(0, limitMs - silentMs) },
  ];
}
