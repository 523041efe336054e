import { DEADLINES } from '@spawner/domain';
import { Node, NodeKind } from '@spawner/proto/internal/node';
import { type StartLoad, StopOrder } from '@spawner/proto/internal/scheduler_service';
import type { Drone } from '@spawner/proto/v1/fleet_service';
import { encodeRow, KIND_NAMES, memberOf, runScript, SCRIPTS } from '@spawner/store';
import type { Parts } from '../parts.ts';

/** A node with the age of its last renewal, in milliseconds of cluster clock. */
export interface KnownNode {
  node: Node;
  renewalAge: number;
}

/** One sweep takes at most so many deadlines. */
const SWEEP = { most: 100, turnMs: DEADLINES.clockTurn, againMs: DEADLINES.dueAgain };

/** The deadlines that a renewal starts again. */
const RENEWAL = { leaseMs: DEADLINES.leaseGiveAway, silentMs: DEADLINES.renewalsMissed };

/** Fields of a drone that tell how it is used. */
const USE = [
  ...['reserved_cpu', 'reserved_memory', 'reserved_backends'],
  ...['places', 'pending', 'start_ms', 'unreported'],
];

/** A registration came after one that its node had sent later. */
export class Overtaken extends Error {
  /** The sequence of that one. */
  readonly by: number;

  constructor(by: number) {
    super(`a later registration is in force: ${by}`);
    this.by = by;
  }
}

type NodeStoreParts = Pick<Parts, 'redis' | 'keys' | 'epoch'>;

/** The nodes of the cluster in Redis: who they are and when they last renewed. */
export class NodeStore {
  readonly #parts: NodeStoreParts;

  constructor(parts: NodeStoreParts) {
    this.#parts = parts;
  }

  /**
   * Registers a node under a fresh tick, higher than any placement that it was given, which replaces any registration
   * before it. A drone gets no work before `admit`. Throws `Overtaken` where a drone has sent a later one, by its `sequence`.
   */
  async register(node: Node, highestPlacement = 0, sequence?: number): Promise<number> {
    const { id, cpuMillis, memoryBytes, backends } = node;
    for (;;) {
      const registration = await this.#parts.epoch.run(SCRIPTS.drawTick, { given: highestPlacement });
      const answer = await this.#parts.epoch.run(SCRIPTS.register, {
        ...{ kind: KIND_NAMES[node.kind], id, registration, cpuMillis, memoryBytes, backends, sequence },
        ...RENEWAL,
        node: Buffer.from(Node.encode({ ...node, registration }).finish()),
      });
      this.#parts.epoch.saw(registration);
      if (answer.outcome === 'overtaken') throw new Overtaken(answer.by);
      // A new store epoch began between the two scripts: the tick is older than it.
      if (answer.outcome !== 'outdated') return registration;
    }
  }

  /** Gives a registered drone work from now on; `rpcAddress` is where proxies may ask its agent, empty for nowhere. */
  async admit(drone: string, registration: number, rpcAddress = ''): Promise<void> {
    const row = encodeRow({ kind: 'agentAddress', droneId: drone, rpcAddress, epoch: 0 });
    const address = rpcAddress === '' ? Buffer.alloc(0) : row;
    await this.#parts.epoch.run(SCRIPTS.admit, { drone, registration, row: address });
  }

  /** Whether the registration is the present one, and what ends are wanted of the node. */
  async renew(
    kind: NodeKind,
    id: string,
    registration: number,
    starts?: StartLoad,
  ): Promise<{ granted: boolean; stops: StopOrder[] }> {
    const { places, pending, room, startMs } = starts ?? {};
    const args = { kind: KIND_NAMES[kind], id, registration, ...RENEWAL, places, pending, room, startMs };
    const { granted, stops } = await this.#parts.epoch.run(SCRIPTS.renew, args);
    if (granted) this.#parts.epoch.saw(registration);
    return { granted, stops: stops.map((bytes) => StopOrder.decode(bytes)) };
  }

  /** Every node of a kind, by id. */
  async list(kind: NodeKind): Promise<KnownNode[]> {
    const { redis, keys } = this.#parts;
    const nodes = await runScript(redis, keys, SCRIPTS.nodes, { kind: KIND_NAMES[kind] });
    return nodes
      .map(({ node, silentMs }) => ({ node: Node.decode(node), renewalAge: Math.max(0, silentMs) }))
      .sort((a, b) => (a.node.id < b.node.id ? -1 : 1));
  }

  async find(kind: NodeKind, id: string): Promise<Node | undefined> {
    const bytes = await this.#parts.redis.send(['HGET', this.#nodes(kind), id]);
    return Buffer.isBuffer(bytes) ? Node.decode(bytes) : undefined;
  }

  /** The capacity of a drone that living backends hold, and its starts if it has told of any. */
  async use(drone: string): Promise<Pick<Drone, 'reserved' | 'pendingStarts' | 'expectedWaitMs'>> {
    const { redis, keys } = this.#parts;
    const [values, score] = (await Promise.all([
      redis.send(['HMGET', keys.drone(drone), ...USE]),
      redis.send(['ZSCORE', keys.soonest, drone]),
    ])) as [(Buffer | null)[], Buffer | null];
    const [cpuMillis = 0, memoryBytes = 0, backends = 0, places, pending = 0, startMs, unreported = 0] =
      values.map(numberOf);
    return {
      reserved: { cpuMillis, memoryBytes, backends },
      pendingStarts: places ? pending + unreported : undefined,
      expectedWaitMs: startMs && score ? numberOf(score) : undefined,
    };
  }

  /** Forgets a node that has not renewed for `silentMs` of cluster clock. */
  async unregister(kind: NodeKind, id: string, silentMs: number): Promise<void> {
    await this.#parts.epoch.run(SCRIPTS.unregister, { kind: KIND_NAMES[kind], id, silentMs });
  }

  /** Whether a drone whose renewals were due has missed them; the edge is then told that it is unreachable. */
  miss(drone: string): Promise<boolean> {
    const row = encodeRow({ kind: 'silentDrone', droneId: drone, epoch: 0 });
    return this.#parts.epoch.run(SCRIPTS.silence, { drone, silentMs: DEADLINES.renewalsMissed, row });
  }

  /**
   * Whether a drone whose lease was due has lost it; it is then due again when it is to be forgotten. Its lease stays due too,
   * until what ends with it is `done`.
   */
  lapse(drone: string, part: 'look' | 'done' = 'look'): Promise<boolean> {
    const { leaseGiveAway: leaseMs, droneForgotten: forgottenMs } = DEADLINES;
    return this.#parts.epoch.run(SCRIPTS.lapse, { drone, leaseMs, forgottenMs, part });
  }

  /** Takes a drone out of the cluster, unless it has renewed within `silentMs` of cluster clock. */
  forgetDrone(drone: string, silentMs: number): Promise<boolean> {
    return this.#parts.epoch.run(SCRIPTS.forgetDrone, { drone, silentMs });
  }

  /** Milliseconds of cluster clock since a drone's last renewal; infinite for one that is not known. */
  async silence(drone: string): Promise<number> {
    const [at, now] = (await Promise.all([
      this.#parts.redis.send(['HGET', this.#parts.keys.renewals, memberOf(NodeKind.DRONE, drone)]),
      this.#parts.redis.send(['HGET', this.#parts.keys.clock, 'now']),
    ])) as (Buffer | null)[];
    return at ? numberOf(now) - numberOf(at) : Number.POSITIVE_INFINITY;
  }

  /** Advances the cluster clock and takes a batch of what is due: `<what>/<id>` as sweep.ts knows them; `more`: there may be others. */
  async sweep(): Promise<{ entries: string[]; more: boolean }> {
    const entries = await this.#parts.epoch.run(SCRIPTS.sweep, SWEEP);
    return { entries, more: entries.length === SWEEP.most };
  }

  #nodes(kind: NodeKind): string {
    return this.#parts.keys.nodes(KIND_NAMES[kind]);
  }
}

function numberOf(value: Buffer | null | undefined): number {
  return Number(String(value ?? 0));
}
