import { Membership } from '@spawner/cluster';
import { backendHostname } from '@spawner/domain';
import { SchedulerServiceService } from '@spawner/proto/internal/scheduler_service';
import { RouteTable } from '@spawner/store';
import { answer } from '../../../services/dns/src/answer.ts';
import { Challenges } from '../../../services/dns/src/challenges.ts';
import { nodeOf } from '../../../services/dns/src/config.ts';
import { type Answer, CLASS_IN, TYPE } from '../../../services/dns/src/protocol/records.ts';
import { Zone } from '../../../services/dns/src/zone.ts';
import { storeOf } from '../links/store-link.ts';
import { Machine } from '../world/machine.ts';
import { Process } from '../world/process.ts';
import { KEYS } from './scheduler.ts';
import type { Surroundings } from './surroundings.ts';

const DOMAIN = 'simulated';
const SETTINGS = {
  domain: DOMAIN,
  nameservers: [`ns.${DOMAIN}`],
  publicAddresses: ['192.0.2.53'],
  admin: `hostmaster.${DOMAIN}`,
  caa: [],
  ttlSeconds: 10,
};

/** A dns server without sockets: its zone, which follows the routes and the proxies, and its answers. */
export class SimulatedDns {
  readonly name: string;
  readonly machine: Machine;
  process: Process | undefined;
  routes: RouteTable | undefined;
  zone: Zone | undefined;
  members: Membership | undefined;
  readonly #around: Surroundings;

  constructor(name: string, around: Surroundings) {
    this.name = name;
    this.#around = around;
    this.machine = new Machine(name, around.world);
  }

  /** As services/dns/src/main.ts does it. */
  start(): void {
    const { world, rpc, store, schedulers } = this.#around;
    const process = new Process(this.name, this.machine, world);
    world.note('start', this.name);
    const { clock, log } = process;
    const redis = storeOf(process, store);
    const scheduler = rpc.client(SchedulerServiceService, process, schedulers);
    const node = nodeOf({ id: this.name, region: 'local', advertiseAddress: this.name });
    const members = new Membership(scheduler, { node }, clock, log);
    const routes = new RouteTable(world.random.next);
    // Nothing sets a challenge here, so none is read.
    const challenges = new Challenges(redis, KEYS.challenges, clock);
    const zone = new Zone(SETTINGS, { routes, members, challenges }, clock);
    Object.assign(this, { process, routes, members, zone });
    process.every('following the routes', 1_000, (signal) => routes.follow(redis, KEYS, clock, log, signal));
    process.every('membership', 1_000, (signal) => members.run(signal));
    process.every('reading the proxies', 1_000, async () => zone.look());
  }

  crash(): void {
    this.process?.crash();
    Object.assign(this, { process: undefined, routes: undefined, members: undefined, zone: undefined });
  }

  /** The addresses of a backend, or of the whole domain; undefined while it does not run. */
  addressesOf(id: string | undefined): Answer | undefined {
    const name = id === undefined ? DOMAIN : backendHostname(id, DOMAIN);
    return this.zone && answer({ name, type: TYPE.A, class: CLASS_IN }, this.zone);
  }
}
