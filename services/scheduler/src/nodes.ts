import { AppError, type Clock, DEADLINES, isNodeId } from '@spawner/domain';
import type { BackendStatus, InventoryEntry } from '@spawner/proto/internal/backend_status';
import { type Node, NodeKind } from '@spawner/proto/internal/node';
import {
  type ProxyList,
  type RegisterNodeResponse,
  type RenewNodeRequest,
  type RenewNodeResponse,
  RenewVerdict,
  type StopOrder,
} from '@spawner/proto/internal/scheduler_service';
import { BackendState, EndReason } from '@spawner/proto/v1/backend';
import { type Drone, DroneState } from '@spawner/proto/v1/fleet_service';
import { counter, type Log } from '@spawner/service';
import type { BackendStore } from './backend-store.ts';
import type { Backends } from './backends.ts';
import type { Claims } from './claim.ts';
import { KIND_NAMES, type NodeStore } from './node-store.ts';
import { proxyList } from './proxies.ts';

/** Of the ids that an agent sends, so many and so much of each go into the log. */
const MOST_LOGGED = { ids: 10, characters: 64 };

const NO_VERDICT = { stops: [], proxies: undefined, ended: [] };

/** What nodes ask: a place in the cluster, and to be believed about their backends. */
export class Nodes {
  readonly #nodes: NodeStore;
  readonly #store: BackendStore;
  readonly #backends: Backends;
  readonly #claims: Claims;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #registrations = counter('spawner.scheduler.registrations', 'Registrations by kind of node');
  readonly #refused = counter(
    'spawner.scheduler.refused_claims',
    'Lines of inventories that this cluster did not place',
  );
  #proxies: ProxyList = { version: 0, proxies: [] };

  constructor(
    nodes: NodeStore,
    store: BackendStore,
    backends: Backends,
    claims: Claims,
    clock: Clock,
    log: Log,
  ) {
    this.#nodes = nodes;
    this.#store = store;
    this.#backends = backends;
    this.#claims = claims;
    this.#clock = clock;
    this.#log = log;
  }

  async register(node: Node, inventory: readonly InventoryEntry[]): Promise<RegisterNodeResponse> {
    if (node.kind === NodeKind.UNSPECIFIED || !isNodeId(node.id))
      throw new AppError('invalid', 'a node has a kind and an id of a-z, 0-9 and hyphens');
    const registration = await this.#nodes.register(node);
    this.#registrations({ kind: KIND_NAMES[node.kind] });
    this.#log.info(
      { node: node.id, kind: node.kind, registration, backends: inventory.length },
      'node registered',
    );
    if (node.kind === NodeKind.PROXY) await this.refreshProxies();
    const { stops, ended } =
      node.kind === NodeKind.DRONE
        ? await this.#takeInventory(node.id, registration, inventory)
        : { stops: [], ended: [] };
    // Not before its inventory stands: a spawn must find the keys that its backends hold.
    if (node.kind === NodeKind.DRONE) await this.#nodes.admit(node.id, registration);
    const wanted = await this.#nodes.renew(node.kind, node.id, registration);
    return { registration, stops: [...stops, ...wanted.stops], proxies: this.#proxies, ended };
  }

  /** One round trip to the store: every script looks at the registration for itself. */
  async renew(request: RenewNodeRequest): Promise<RenewNodeResponse> {
    const { kind, id, registration, changed } = request;
    const [{ granted, stops }, ...outcomes] = await Promise.all([
      this.#nodes.renew(kind, id, registration),
      ...changed.map((status) => this.#report(id, registration, status)),
    ]);
    // A backend that the store does not have: the drone is asked for all that it has.
    if (!granted || outcomes.includes('unknown')) return { ...NO_VERDICT, verdict: RenewVerdict.REGISTER };
    const ended = changed.filter(({ state }) => state === BackendState.TERMINATED).map((status) => status.id);
    return {
      verdict: RenewVerdict.GRANTED,
      stops: [
        ...stops.filter((order) => !ended.includes(order.id)),
        ...changed.flatMap((status, index) => stopUnwanted(status, outcomes[index])),
      ],
      proxies: request.proxiesVersion === this.#proxies.version ? undefined : this.#proxies,
      ended,
    };
  }

  async drones(): Promise<Drone[]> {
    const known = await this.#nodes.list(NodeKind.DRONE);
    return Promise.all(
      known.map(async ({ node, renewalAge }) => {
        const { reservedCpu, reservedMemory, reservedBackends } = await this.#nodes.use(node.id);
        return {
          id: node.id,
          state: renewalAge > DEADLINES.renewalsMissed ? DroneState.UNREACHABLE : DroneState.READY,
          region: node.region,
          runtime: node.runtime,
          capacity: { cpuMillis: node.cpuMillis, memoryBytes: node.memoryBytes, backends: node.backends },
          reserved: { cpuMillis: reservedCpu, memoryBytes: reservedMemory, backends: reservedBackends },
          registerTime: new Date(node.registration / 1_000),
          heartbeatAgeMs: renewalAge,
        };
      }),
    );
  }

  /** Reads the list of proxies anew, and forgets those that have been silent for too long. */
  async refreshProxies(): Promise<void> {
    const known = await this.#nodes.list(NodeKind.PROXY);
    const silent = known.filter(({ renewalAge }) => renewalAge > DEADLINES.proxyForgotten);
    for (const { node } of silent)
      await this.#nodes.unregister(NodeKind.PROXY, node.id, DEADLINES.proxyForgotten);
    this.#proxies = proxyList(known);
  }

  async #report(drone: string, registration: number, status: BackendStatus) {
    const outcome = await this.#store.report(drone, registration, status);
    if (outcome === 'taken') void this.#announce(status.id);
    return outcome;
  }

  /** A hint: the change stands, and a watcher that misses it reads again. */
  async #announce(id: string): Promise<void> {
    await this.#backends
      .announce(id)
      .catch((error: unknown) => this.#log.info({ error }, 'a change was not announced'));
  }

  /**
   * Believes a drone about what it runs, in so far as this cluster has placed it there; what it once reported
   * and lacks now has ended.
   */
  async #takeInventory(
    drone: string,
    registration: number,
    inventory: readonly InventoryEntry[],
  ): Promise<{ stops: StopOrder[]; ended: string[] }> {
    const stops: StopOrder[] = [];
    const ended: string[] = [];
    const refused: string[] = [];
    for (const entry of inventory) {
      if (!entry.status) continue;
      const { status } = entry;
      const outcome = await this.#takeEntry(drone, registration, entry, status);
      if (outcome === 'taken' || outcome === 'restored') await this.#announce(status.id);
      if (status.state === BackendState.TERMINATED && outcome !== 'stale') ended.push(status.id);
      else stops.push(...stopUnwanted(status, outcome));
      if (outcome === 'unknown' && !isNeverHere(entry)) refused.push(status.id);
    }
    this.#tellRefused(drone, refused);
    const there = new Set(inventory.map(({ status }) => status?.id));
    for (const id of await this.#store.living(drone)) {
      const record = there.has(id) ? undefined : await this.#store.get(id);
      if (!record?.status) continue;
      const now = this.#clock.wall();
      if (await this.#store.abandon(record, 'any', EndReason.DRONE_LOST, 'its drone no longer has it', now))
        await this.#announce(id);
    }
    return { stops, ended };
  }

  /** A line of a record that is there is a report. Where there is none, a right claim brings it back, and without one it stays `unknown`. */
  async #takeEntry(drone: string, registration: number, entry: InventoryEntry, status: BackendStatus) {
    if (isNeverHere(entry) || !this.#claims.accepts(drone, entry))
      return this.#store.report(drone, registration, status);
    return this.#store.restore(drone, registration, { ...entry, status });
  }

  #tellRefused(drone: string, refused: readonly string[]): void {
    if (refused.length === 0) return;
    this.#refused({}, refused.length);
    const backends = refused.slice(0, MOST_LOGGED.ids).map((id) => id.slice(0, MOST_LOGGED.characters));
    this.#log.warn(
      { drone, refused: refused.length, backends },
      'a drone has backends that this cluster did not place there; they are to be stopped',
    );
  }
}

/** The end of what never was a backend there: news for a record that waits for it, and nothing to make one of. */
function isNeverHere({ spec, status }: InventoryEntry): boolean {
  return !spec && status?.state === BackendState.TERMINATED;
}

/** A drone runs what has ended, what another drone has, or what was never placed there: it is to stop it. */
function stopUnwanted(status: BackendStatus, outcome: string | undefined): StopOrder[] {
  const why = UNWANTED[outcome ?? ''];
  if (status.state === BackendState.TERMINATED || !why) return [];
  return [{ id: status.id, force: true, reason: EndReason.INTERNAL, detail: why }];
}

const UNWANTED: Readonly<Record<string, string>> = {
  ended: 'its record had ended',
  elsewhere: 'its record is on another drone',
  unknown: 'its drone has no right claim to it',
};
