import { AppError, DEADLINES, isNodeId, mapBounded, Semaphore } from '@spawner/domain';
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
import { KIND_NAMES } from '@spawner/store';
import type { Parts } from '../parts.ts';
import { type KnownNode, Overtaken } from '../store/node-store.ts';
import { proxyList } from './proxies.ts';

/**
 * Commands that all calls of one kind have under way in the store together: enough to keep it busy. A higher
 * bound would let the answers to a hundred registering drones fill one turn of the loop.
 */
const AT_ONCE = 16;
/** Nodes of other kinds are forgotten after ten minutes of silence, so a look a minute is soon enough. */
const OTHERS_EVERY_MS = 60_000;
/** How many of the ids that an agent sends go into the log, and how much of each. */
const MOST_LOGGED = { ids: 10, characters: 64 };

const NO_VERDICT = { stops: [], proxies: undefined, ended: [] };

type NodesParts = Pick<Parts, 'store' | 'nodes' | 'announce' | 'claims' | 'clock' | 'log' | 'metrics'>;

/** Registrations and renewals of nodes, with the reports and inventories of drones. */
export class Nodes {
  readonly #parts: NodesParts;
  readonly #reporting = new Semaphore(AT_ONCE);
  readonly #restoring = new Semaphore(AT_ONCE);
  #proxies: ProxyList = { version: 0, proxies: [] };
  #othersAt = Number.NEGATIVE_INFINITY;

  constructor(parts: NodesParts) {
    this.#parts = parts;
  }

  async register(
    node: Node,
    inventory: readonly InventoryEntry[],
    highestPlacement = 0,
    sequence?: number,
  ): Promise<RegisterNodeResponse> {
    if (node.kind === NodeKind.UNSPECIFIED || !isNodeId(node.id))
      throw new AppError('invalid', 'a node has a kind and an id of a-z, 0-9 and hyphens');
    let registration: number;
    try {
      registration = await this.#parts.nodes.register(node, highestPlacement, sequence);
    } catch (error) {
      if (!(error instanceof Overtaken)) throw error;
      return { registration: 0, stops: [], proxies: undefined, ended: [], overtakenBy: error.by };
    }
    this.#parts.metrics.registered(KIND_NAMES[node.kind]);
    this.#parts.log.info(
      { node: node.id, kind: node.kind, registration, backends: inventory.length },
      'node registered',
    );
    if (node.kind === NodeKind.PROXY) await this.refreshProxies();
    else if (hearsOfProxies(node.kind)) await this.#readProxiesOnce();
    let taken: Taken = { stops: [], ended: [] };
    if (node.kind === NodeKind.DRONE) {
      taken = await this.#takeInventory(node.id, registration, inventory);
      // Only after its inventory is in the store: a spawn must find the keys that its backends hold.
      await this.#parts.nodes.admit(node.id, registration, node.rpcAddress);
    }
    const wanted = await this.#parts.nodes.renew(node.kind, node.id, registration);
    return {
      registration,
      stops: [...taken.stops, ...wanted.stops],
      proxies: hearsOfProxies(node.kind) ? this.#proxies : undefined,
      ended: taken.ended,
    };
  }

  /** Hardly more than one round trip to the store: every script looks at the registration for itself. */
  async renew(request: RenewNodeRequest): Promise<RenewNodeResponse> {
    const { kind, id, registration, changed, starts } = request;
    if (hearsOfProxies(kind)) await this.#readProxiesOnce();
    const [{ granted, stops }, outcomes] = await Promise.all([
      this.#parts.nodes.renew(kind, id, registration, starts),
      mapBounded(changed, AT_ONCE, (status) =>
        this.#reporting.run(() => this.#report(id, registration, status)),
      ),
    ]);
    // A backend that the store does not have, or a registration that has passed meanwhile: the drone is asked for all that it has.
    if (!granted || outcomes.some((outcome) => outcome === 'unknown' || outcome === 'stale'))
      return { ...NO_VERDICT, verdict: RenewVerdict.REGISTER };
    const ended = changed.filter(({ state }) => state === BackendState.TERMINATED).map((status) => status.id);
    const reported = new Set(ended);
    return {
      verdict: RenewVerdict.GRANTED,
      stops: [
        ...stops.filter((order) => !reported.has(order.id)),
        ...changed.flatMap((status, index) => stopUnwanted(status, outcomes[index])),
      ],
      proxies:
        hearsOfProxies(kind) && request.proxiesVersion !== this.#proxies.version ? this.#proxies : undefined,
      ended,
    };
  }

  async drones(): Promise<Drone[]> {
    const known = await this.#parts.nodes.list(NodeKind.DRONE);
    return mapBounded(known, AT_ONCE, async ({ node, renewalAge }) => {
      const { id, region, runtime, cpuMillis, memoryBytes, backends } = node;
      return {
        ...{ id, region, runtime, capacity: { cpuMillis, memoryBytes, backends } },
        state: renewalAge > DEADLINES.renewalsMissed ? DroneState.UNREACHABLE : DroneState.READY,
        ...(await this.#parts.nodes.use(id)),
        registerTime: new Date(node.registration / 1_000),
        heartbeatAgeMs: renewalAge,
      };
    });
  }

  /** Reads the list of proxies again, and forgets those that have been silent for too long. */
  async refreshProxies(): Promise<void> {
    this.#proxies = proxyList(await this.#forgetSilent(NodeKind.PROXY, DEADLINES.proxyForgotten));
  }

  /** A scheduler that has only begun knows of no proxies before it has read their list. */
  async #readProxiesOnce(): Promise<void> {
    if (this.#proxies.version === 0) await this.refreshProxies();
  }

  /** Forgets silent nodes of the kinds that no other node asks for, so that restarts under new names leave nothing. */
  async forgetOthers(): Promise<void> {
    const now = this.#parts.clock.now();
    if (now - this.#othersAt < OTHERS_EVERY_MS) return;
    for (const kind of [NodeKind.DNS, NodeKind.CERTIFICATES])
      await this.#forgetSilent(kind, DEADLINES.droneForgotten);
    this.#othersAt = now;
  }

  async #forgetSilent(kind: NodeKind, silentMs: number): Promise<KnownNode[]> {
    const known = await this.#parts.nodes.list(kind);
    for (const { node } of known.filter(({ renewalAge }) => renewalAge > silentMs))
      await this.#parts.nodes.unregister(kind, node.id, silentMs);
    return known;
  }

  async #report(drone: string, registration: number, status: BackendStatus) {
    const outcome = await this.#parts.store.report(drone, registration, status);
    if (outcome === 'taken') void this.#announce(status.id);
    return outcome;
  }

  /** A hint. The change is in the store, and a watcher that misses the hint reads again. */
  async #announce(id: string): Promise<void> {
    await this.#parts
      .announce(id)
      .catch((error: unknown) => this.#parts.log.info({ error }, 'a change was not announced'));
  }

  /**
   * Believes a drone about what it runs, in so far as this cluster has placed it there; what it once reported
   * and lacks now has ended.
   */
  async #takeInventory(
    drone: string,
    registration: number,
    inventory: readonly InventoryEntry[],
  ): Promise<Taken> {
    const entries = inventory.filter((entry): entry is Entry => entry.status !== undefined);
    const outcomes = await mapBounded(entries, AT_ONCE, (entry) =>
      this.#restoring.run(async () => {
        const outcome = await this.#takeEntry(drone, registration, entry);
        if (outcome === 'taken' || outcome === 'restored') await this.#announce(entry.status.id);
        return outcome;
      }),
    );
    const refused = entries.filter((entry, at) => outcomes[at] === 'unknown' && mayClaim(entry));
    if (refused.length > 0) this.#noteRefused(drone, refused);
    const there = new Set(inventory.map(({ status }) => status?.id));
    const lacking = (await this.#parts.store.living(drone)).filter((id) => !there.has(id));
    await mapBounded(lacking, AT_ONCE, (id) => this.#endLacking(id, registration));
    return {
      stops: entries.flatMap(({ status }, at) => stopUnwanted(status, outcomes[at])),
      ended: entries
        .filter(({ status }, at) => status.state === BackendState.TERMINATED && outcomes[at] !== 'stale')
        .map(({ status }) => status.id),
    };
  }

  /** A line of a record that is there is a report. Where there is none, a right claim brings it back, and without one it stays `unknown`. */
  async #takeEntry(drone: string, registration: number, entry: Entry) {
    const { store, claims } = this.#parts;
    return mayClaim(entry) && claims.accepts(drone, entry)
      ? store.restore(drone, registration, entry)
      : store.report(drone, registration, entry.status);
  }

  #noteRefused(drone: string, refused: readonly Entry[]): void {
    this.#parts.metrics.refusedClaims(refused.length);
    const some = refused.slice(0, MOST_LOGGED.ids);
    const backends = some.map(({ status }) => status.id.slice(0, MOST_LOGGED.characters));
    this.#parts.log.warn(
      { drone, refused: refused.length, backends },
      'a drone has backends that this cluster did not place there; they are to be stopped',
    );
  }

  /** Not where the drone has registered once more meanwhile: this inventory is older than what it has been given since. */
  async #endLacking(id: string, registration: number): Promise<void> {
    const record = await this.#parts.store.get(id);
    if (!record?.status) return;
    const now = this.#parts.clock.wall();
    const end = { reason: EndReason.DRONE_LOST, detail: 'its drone no longer has it', now };
    if (await this.#parts.store.abandon(record, 'any', end, { registration })) await this.#announce(id);
  }
}

type Entry = InventoryEntry & { status: BackendStatus };
type Taken = Pick<RegisterNodeResponse, 'stops' | 'ended'>;

/** DNS names the proxies in its answers. An agent asks them when it suspends a route. */
function hearsOfProxies(kind: NodeKind): boolean {
  return kind !== NodeKind.DRONE;
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

/**
 * Whether a record may be made of the entry. The end of what never was a backend there is only news for a record that waits
 * for it. A keyed backend whose program has not started is not restored into a store that lost it. The lost store may have
 * abandoned it and given its key, with a higher fence, to a backend that has ended since.
 */
function mayClaim({ spec, key, status: { state } }: Entry): boolean {
  const neverHere = !spec && state === BackendState.TERMINATED;
  const outlived = key !== undefined && state < BackendState.WAITING;
  return !neverHere && !outlived;
}
