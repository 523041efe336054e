import { DEADLINES } from '@spawner/domain';
import { Node, NodeKind } from '@spawner/proto/internal/node';
import { StopOrder } from '@spawner/proto/internal/scheduler_service';
import { encodeRow, type Keys, type Redis, type StoreEpoch } from '@spawner/store';

/** A node with the age of its last renewal, in milliseconds of cluster clock. */
export interface KnownNode {
  node: Node;
  renewalAge: number;
}

export interface DroneUse {
  reservedCpu: number;
  reservedMemory: number;
  reservedBackends: number;
}

/** So many deadlines are taken by one script. */
const DUE_AT_ONCE = 100;

/** As keys, members and metrics name them. */
export const KIND_NAMES: Record<NodeKind, string> = {
  [NodeKind.UNSPECIFIED]: 'unspecified',
  [NodeKind.DRONE]: 'drone',
  [NodeKind.PROXY]: 'proxy',
  [NodeKind.DNS]: 'dns',
  [NodeKind.CERTIFICATES]: 'certificates',
};

/** A registration came after one that its node had sent later. */
export class Overtaken extends Error {
  /** The sequence of that one. */
  readonly by: number;

  constructor(by: number) {
    super(`a later registration stands: ${by}`);
    this.by = by;
  }
}

/** The nodes of the cluster in Redis: who they are and when they last renewed. */
export class NodeStore {
  readonly #redis: Redis;
  readonly #keys: Keys;
  readonly #epoch: StoreEpoch;

  constructor(redis: Redis, keys: Keys, epoch: StoreEpoch) {
    this.#redis = redis;
    this.#keys = keys;
    this.#epoch = epoch;
  }

  /**
   * Registers a node under a fresh tick, higher than any placement that it was given, which replaces any registration
   * before it. A drone gets no work before `admit`. Throws `Overtaken` where a drone has sent a later one, by its `sequence`.
   */
  async register(node: Node, highestPlacement = 0, sequence?: number): Promise<number> {
    const { cpuMillis, memoryBytes, backends } = node;
    const deadlines = [DEADLINES.leaseGiveAway, DEADLINES.renewalsMissed];
    const ofDrone =
      node.kind === NodeKind.DRONE ? [cpuMillis, memoryBytes, backends, ...deadlines, sequence ?? ''] : [];
    for (;;) {
      const registration = Number(String(await this.#epoch.run('tick', [highestPlacement])));
      const answer = await this.#epoch.run('register', [
        this.#nodes(node.kind),
        memberOf(node.kind, node.id),
        node.id,
        Buffer.from(Node.encode({ ...node, registration }).finish()),
        registration,
        ...ofDrone,
      ]);
      this.#epoch.saw(registration);
      if (Buffer.isBuffer(answer)) throw new Overtaken(Number(String(answer)));
      // A new store epoch began between the two: the tick is older than it.
      if (answer !== -1) return registration;
    }
  }

  /** Gives a registered drone work from now on; `rpcAddress` is where proxies may ask its agent, empty for nowhere. */
  async admit(drone: string, registration: number, rpcAddress = ''): Promise<void> {
    const row = encodeRow({ kind: 'agent-address', droneId: drone, rpcAddress, epoch: 0 });
    await this.#epoch.run('admit', [drone, registration, rpcAddress === '' ? '' : row]);
  }

  /** Whether the registration is the present one, and what ends are wanted of the node. */
  async renew(
    kind: NodeKind,
    id: string,
    registration: number,
  ): Promise<{ granted: boolean; stops: StopOrder[] }> {
    const args = [memberOf(kind, id), id, registration, DEADLINES.leaseGiveAway, DEADLINES.renewalsMissed];
    const answer = await this.#epoch.run('renew', args);
    const [granted, stops] = answer as [number, Buffer[]];
    if (granted === 1) this.#epoch.saw(registration);
    const orders = stops.filter((_, index) => index % 2 === 1).map((bytes) => StopOrder.decode(bytes));
    return { granted: granted === 1, stops: orders };
  }

  /** Every node of a kind, by id. */
  async list(kind: NodeKind): Promise<KnownNode[]> {
    const nodes = ((await this.#redis.send(['HVALS', this.#nodes(kind)])) as Buffer[])
      .map((bytes) => Node.decode(bytes))
      .sort((a, b) => (a.id < b.id ? -1 : 1));
    if (nodes.length === 0) return [];
    const members = nodes.map(({ id }) => memberOf(kind, id));
    const [renewals, clock] = (await Promise.all([
      this.#redis.send(['HMGET', this.#keys.renewals, ...members]),
      this.#redis.send(['HGET', this.#keys.clock, 'now']),
    ])) as [(Buffer | null)[], Buffer | null];
    const now = Number(String(clock ?? 0));
    return nodes.map((node, index) => ({
      node,
      renewalAge: Math.max(0, now - Number(String(renewals[index] ?? 0))),
    }));
  }

  async find(kind: NodeKind, id: string): Promise<Node | undefined> {
    const bytes = await this.#redis.send(['HGET', this.#nodes(kind), id]);
    return Buffer.isBuffer(bytes) ? Node.decode(bytes) : undefined;
  }

  async use(drone: string): Promise<DroneUse> {
    const fields = ['reserved_cpu', 'reserved_memory', 'reserved_backends'];
    const values = (await this.#redis.send([
      'HMGET',
      this.#keys.drone(drone),
      ...fields,
    ])) as (Buffer | null)[];
    const [reservedCpu = 0, reservedMemory = 0, reservedBackends = 0] = values.map((value) =>
      Number(String(value ?? 0)),
    );
    return { reservedCpu, reservedMemory, reservedBackends };
  }

  /** Forgets a node that has not renewed for `silentMs` of cluster clock. */
  async unregister(kind: NodeKind, id: string, silentMs: number): Promise<void> {
    const args = [this.#nodes(kind), memberOf(kind, id), id, silentMs];
    await this.#epoch.run('unregister', args);
  }

  /** Whether a drone whose renewals were due has missed them; the edge is then told that it is unreachable. */
  async miss(drone: string): Promise<boolean> {
    const row = encodeRow({ kind: 'silent-drone', droneId: drone, epoch: 0 });
    const args = [drone, DEADLINES.renewalsMissed, row];
    return Number(await this.#epoch.run('silence', args)) === 1;
  }

  /**
   * Whether a drone whose lease was due has lost it; it is then due again when it is to be given up. Its lease stays due too,
   * until what ends with it is `done`.
   */
  async lapse(drone: string, step: 'look' | 'done' = 'look'): Promise<boolean> {
    const args = [drone, DEADLINES.leaseGiveAway, DEADLINES.droneForgotten, step];
    return Number(await this.#epoch.run('lapse', args)) === 1;
  }

  /** Takes a drone out of the cluster, unless it has renewed within `silentMs` of cluster clock. */
  async forgetDrone(drone: string, silentMs: number): Promise<boolean> {
    return Number(await this.#epoch.run('forget-drone', [drone, silentMs])) === 1;
  }

  /** Milliseconds of cluster clock since a drone's last renewal; infinite for one that is not known. */
  async silence(drone: string): Promise<number> {
    const [at, now] = (await Promise.all([
      this.#redis.send(['HGET', this.#keys.renewals, memberOf(NodeKind.DRONE, drone)]),
      this.#redis.send(['HGET', this.#keys.clock, 'now']),
    ])) as (Buffer | null)[];
    return at ? Number(String(now ?? 0)) - Number(String(at)) : Number.POSITIVE_INFINITY;
  }

  /** Advances the cluster clock and takes a batch of what is due: `<what>/<id>` as sweep.ts knows them; `more`: there may be others. */
  async sweep(): Promise<{ entries: string[]; more: boolean }> {
    const args = [DUE_AT_ONCE, DEADLINES.clockTurn, DEADLINES.dueAgain];
    const entries = ((await this.#epoch.run('sweep', args)) as Buffer[]).map(String);
    return { entries, more: entries.length === DUE_AT_ONCE };
  }

  #nodes(kind: NodeKind): string {
    return this.#keys.nodes(KIND_NAMES[kind]);
  }
}

function memberOf(kind: NodeKind, id: string): string {
  return `${KIND_NAMES[kind]}/${id}`;
}
