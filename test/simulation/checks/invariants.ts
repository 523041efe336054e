import type { RedisReply } from '@spawner/store';
import type { RouteOutcome } from '../../../services/proxy/src/routing/router.ts';
import type { ClientWatch } from '../clients/app-servers.ts';
import type { Container } from '../engine/container.ts';
import type { EngineWatch } from '../engine/engine.ts';
import type { ScriptNames } from '../links/script-names.ts';
import type { SimulatedDrone } from '../parts/drone.ts';
import type { ProxyWatch, SimulatedProxy } from '../parts/proxy.ts';
import type { World } from '../world/world.ts';
import { ClientAnswers } from './client-answers.ts';
import { EdgeAnswers } from './edge-answers.ts';
import { Ends } from './ends.ts';
import { Fences } from './fences.ts';
import { Idleness } from './idleness.ts';
import { Leases } from './leases.ts';
import type { ReadStore } from './read-store.ts';
import { Records } from './records.ts';
import { Replicas } from './replicas.ts';

const BACKEND_ID = /^[a-z2-7]{26}$/;

/**
 * The five invariants of the design (ARCHITECTURE.md), each looked at in the very step in which something happens
 * that could break it: a script has run, a program starts or is stopped, a proxy decides or takes a route.
 */
export class Invariants implements EngineWatch, ProxyWatch, ClientWatch {
  readonly fences: Fences;
  readonly idleness: Idleness;
  readonly records: Records;
  readonly edge: EdgeAnswers;
  readonly replicas: Replicas;
  readonly clients: ClientAnswers;
  readonly ends: Ends;
  readonly leases: Leases;
  readonly #scripts: ScriptNames;

  constructor(
    world: World,
    read: ReadStore,
    drones: readonly SimulatedDrone[],
    proxies: readonly SimulatedProxy[],
    scripts: ScriptNames,
  ) {
    this.#scripts = scripts;
    this.ends = new Ends(world, drones);
    this.leases = new Leases(world, read, drones);
    this.fences = new Fences(world, drones);
    this.idleness = new Idleness(world, read, drones, proxies);
    this.records = new Records(world, read, this.ends, this.leases);
    this.edge = new EdgeAnswers(world, this.records, drones, read);
    this.clients = new ClientAnswers(world, this.records, drones, read);
    this.replicas = new Replicas(world, read, drones);
  }

  /** The store has carried out a command. */
  carriedOut(command: readonly (string | Buffer)[], reply: RedisReply): void {
    if (command[0] === 'SCRIPT') this.#scripts.loaded(String(command[2]), String(reply));
    if (command[0] !== 'EVALSHA' && command[0] !== 'EVAL') return;
    const script = this.#scripts.of(String(command[1]));
    // A node's own, of which no record hears.
    if (script === 'renew') return;
    const args = command.slice(3 + Number(command[2]));
    const id = String(args[0]);
    if (script === 'place') this.#placed(args, reply);
    if (script === 'settle' && String(args[2]) === 'end' && String(reply) === 'ended') {
      if (this.records.edgeOf(id) !== 'ended') this.idleness.settled(id);
    }
    if (script !== 'sweep') this.leases.carriedOut(script);
    if (BACKEND_ID.test(id)) this.records.written(id);
  }

  /** The store is another one, or lacks what it had. */
  storeLost(): void {
    this.fences.storeLost();
    this.records.storeLost();
    this.replicas.storeLost();
    this.leases.storeLost();
    this.clients.storeLost();
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
    this.clients.spawned(id);
  }

  notFound(id: string, since: number): void {
    this.clients.notFound(id, since);
  }

  answered(proxy: SimulatedProxy, id: string, passage: RouteOutcome, since: number): void {
    this.edge.answered(proxy.name, id, passage, since);
  }

  reached(proxy: SimulatedProxy, id: string, container: Container): void {
    this.edge.reached(proxy.name, id, container);
  }

  #placed(args: readonly (string | Buffer)[], reply: RedisReply): void {
    const [outcome, , , placement] = reply as Buffer[];
    const key = String(args[7]);
    if (String(outcome) === 'placed' && key !== '') this.fences.issued(key, Number(String(placement)));
  }
}
