import type { BackendKey } from '@spawner/proto/v1/backend';
import type { RedisReply } from '@spawner/store';
import type { Answer } from '../../../services/dns/src/protocol/records.ts';
import type { ClientWatch } from '../clients/app-servers.ts';
import type { NameWatch } from '../clients/resolvers.ts';
import type { TokenWatch } from '../clients/tokens.ts';
import type { Container } from '../engine/container.ts';
import type { EngineWatch } from '../engine/engine.ts';
import type { ScriptNames, ScriptRun } from '../links/script-names.ts';
import type { SimulatedDns } from '../parts/dns.ts';
import type { SimulatedDrone } from '../parts/drone.ts';
import type { EdgeOutcome } from '../parts/edge-request.ts';
import type { ProxyWatch, SimulatedProxy } from '../parts/proxy.ts';
import type { World } from '../world/world.ts';
import { type Asked, Availability } from './availability.ts';
import { ClientAnswers } from './client-answers.ts';
import { EdgeAnswers } from './edge-answers.ts';
import { Ends } from './ends.ts';
import { Fences } from './fences.ts';
import { Idleness } from './idleness.ts';
import { Leases } from './leases.ts';
import { Names } from './names.ts';
import { Placements } from './placements.ts';
import type { ReadStore } from './read-store.ts';
import { Records } from './records.ts';
import { Replicas } from './replicas.ts';
import { TokenAccess } from './token-access.ts';

/** The scripts that begin or end a record, or write the capacity of a drone. */
const CHANGES_RESERVATIONS: ReadonlySet<string> = new Set([
  'abandon',
  'admit',
  'forget',
  'forget-drone',
  'lapse',
  'open-epoch',
  'place',
  'register',
  'report',
  'restore',
  'settle',
  'silence',
]);

const BACKEND_ID = /^[a-z2-7]{26}$/;

/**
 * Every invariant of a world (world/invariants.ts). Each is checked in the very step that could break it: a script has
 * run, a program starts or stops, a proxy decides or takes a route.
 */
export class Invariants implements EngineWatch, ProxyWatch, ClientWatch, TokenWatch, NameWatch {
  readonly fences: Fences;
  readonly idleness: Idleness;
  readonly records: Records;
  readonly edge: EdgeAnswers;
  readonly replicas: Replicas;
  readonly clients: ClientAnswers;
  readonly ends: Ends;
  readonly leases: Leases;
  readonly availability: Availability;
  readonly tokens: TokenAccess;
  readonly names: Names;
  readonly placements: Placements;
  readonly #scripts: ScriptNames;
  readonly #world: World;
  readonly #read: ReadStore;
  #writes = 0;

  constructor(
    world: World,
    read: ReadStore,
    drones: readonly SimulatedDrone[],
    proxies: readonly SimulatedProxy[],
    scripts: ScriptNames,
    droneNames: readonly string[],
  ) {
    this.#scripts = scripts;
    this.#world = world;
    this.#read = read;
    this.ends = new Ends(world, drones);
    this.leases = new Leases(world, read, drones);
    this.fences = new Fences(world, drones);
    this.idleness = new Idleness(world, read, drones, proxies);
    this.records = new Records(world, read, droneNames, this.ends, this.leases);
    this.edge = new EdgeAnswers(world, this.records, drones, read);
    this.clients = new ClientAnswers(world, this.records, drones, read);
    this.availability = new Availability(world, this.records, drones, read);
    this.placements = new Placements(world, read, drones);
    this.replicas = new Replicas(world, read, drones);
    this.tokens = new TokenAccess(world, read, proxies, this.availability);
    this.names = new Names(world, read, this.records, proxies, this.availability);
  }

  /** The store has run a command. */
  carriedOut(command: readonly (string | Buffer)[], reply: RedisReply): void {
    if (command[0] === 'SCRIPT') this.#scripts.loaded(String(command[2]), String(reply));
    const writes = this.#read.writes();
    const hasWritten = writes !== this.#writes;
    this.#writes = writes;
    const run = this.#scripts.run(command);
    // A renewal changes no record.
    if (!run || run.script === 'renew') return;
    const { script, id } = run;
    if (script === 'place') this.#placed(run, reply);
    if (script === 'open-epoch' && (reply as unknown[])[1] === 1) this.#world.count('store-epochs');
    if (script === 'settle' && run.argument('outcome') === 'end' && String(reply) === 'ended') {
      if (this.records.edgeOf(id) !== 'ended') this.idleness.settled(id);
    }
    if (!hasWritten) return;
    if (script !== 'sweep') this.leases.carriedOut(script);
    if (BACKEND_ID.test(id)) this.records.written(id);
    if (CHANGES_RESERVATIONS.has(script)) this.records.checkReservations(id);
  }

  /** The store is another one, or lacks what it had. */
  storeLost(): void {
    this.fences.storeLost();
    this.records.storeLost();
    this.replicas.storeLost();
    this.leases.storeLost();
    this.clients.storeLost();
    this.tokens.storeLost();
    this.names.storeLost();
    this.edge.storeLost();
  }

  starting(drone: string, id: string): void {
    this.ends.starting(drone, id);
  }

  started(container: Container): void {
    this.records.started(container);
    this.fences.started(container);
  }

  stopping(container: Container): void {
    this.idleness.stopping(container);
    this.ends.stopping(container);
  }

  routeChanged(proxy: SimulatedProxy, id: string, epoch: number | undefined): void {
    this.replicas.changed(proxy, id, epoch);
  }

  spawned(id: string): void {
    this.availability.spawned(id);
  }

  notSpawned(error: Error, roomBefore: boolean, key: BackendKey | undefined): void {
    this.availability.notSpawned(error, roomBefore, key);
  }

  hasRoom(): boolean {
    return this.availability.hasRoom();
  }

  repeated(id: string): void {
    this.clients.repeated(id);
  }

  guarded(id: string): void {
    this.tokens.guarded(id);
  }

  granted(token: string, id: string, expireMs: number, losses: number): void {
    this.tokens.granted(token, id, expireMs, losses);
  }

  revokes(tokens: readonly string[]): (isDone: boolean) => void {
    return this.tokens.revokes(tokens);
  }

  asked(proxy: SimulatedProxy, id: string, token: string | undefined): Asked {
    return this.availability.asked(id, token, this.tokens.admission(proxy, id, token));
  }

  unreached(proxy: SimulatedProxy, id: string, asked: Asked): void {
    this.availability.unreached(proxy.name, id, asked);
  }

  notFound(id: string, since: number): void {
    this.clients.notFound(id, since);
  }

  answered(proxy: SimulatedProxy, id: string, outcome: EdgeOutcome, asked: Asked): void {
    this.edge.answered(proxy.name, id, outcome, asked.since);
    const mayPass = this.tokens.answered(proxy, id, outcome, asked);
    if (mayPass) this.availability.answered(proxy.name, id, outcome, asked);
  }

  reached(proxy: SimulatedProxy, id: string, container: Container): void {
    this.edge.reached(proxy.name, id, container);
  }

  named(dns: SimulatedDns, id: string | undefined, answer: Answer): void {
    this.names.answered(dns, id, answer);
  }

  #placed(run: ScriptRun, reply: RedisReply): void {
    const [outcome, drone, , placement] = reply as Buffer[];
    const key = run.argument('key');
    if (String(outcome) === 'placed') this.placements.placed(run.id, String(drone));
    if (String(outcome) === 'held') this.#world.count('keys-held');
    if (String(outcome) !== 'placed' || key === '') return;
    this.#world.count('placed-with-key');
    this.fences.issued(key, Number(String(placement)));
  }
}
