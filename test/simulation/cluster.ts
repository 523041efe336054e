import type { Endpoint } from '@spawner/proto/internal/backend_status';
import { MemoryRedis } from '../memory-redis/memory-redis.ts';
import { Invariants } from './checks/invariants.ts';
import type { ReadStore } from './checks/read-store.ts';
import { AppServers } from './clients/app-servers.ts';
import { Resolvers } from './clients/resolvers.ts';
import { Users } from './clients/users.ts';
import { BurntDrone } from './faults/burnt-drone.ts';
import { EngineFaults } from './faults/engine-faults.ts';
import { Faults } from './faults/faults.ts';
import { Freezes } from './faults/freezes.ts';
import { Interruptions } from './faults/interruptions.ts';
import { LateRegistrations } from './faults/late-registrations.ts';
import { LogGaps } from './faults/log-gaps.ts';
import { Reboots } from './faults/reboots.ts';
import { SandboxFaults } from './faults/sandbox-faults.ts';
import { runIdOf, StoreFaults } from './faults/store-faults.ts';
import { BusServer } from './links/bus-link.ts';
import { RpcLinks } from './links/rpc-link.ts';
import { ScriptNames } from './links/script-names.ts';
import { StoreServer } from './links/store-link.ts';
import { SimulatedDns } from './parts/dns.ts';
import { SimulatedDrone } from './parts/drone.ts';
import { SimulatedProxy } from './parts/proxy.ts';
import { SimulatedScheduler } from './parts/scheduler.ts';
import type { Surroundings } from './parts/surroundings.ts';
import { Machine } from './world/machine.ts';
import { Network } from './world/network.ts';
import { Process } from './world/process.ts';
import type { World } from './world/world.ts';

const SCHEDULERS = ['s1', 's2'];
const DRONES = ['d1', 'd2', 'd3'];
const PROXIES = ['p1', 'p2', 'p3'];

/** A whole small cluster in one world: two schedulers, three drones, three proxies, a dns server, their users, and what goes wrong. */
export class Cluster {
  readonly world: World;
  readonly invariants: Invariants;
  readonly drones: readonly SimulatedDrone[];
  readonly proxies: readonly SimulatedProxy[];
  readonly schedulers: readonly SimulatedScheduler[];
  readonly apps: AppServers;
  readonly users: Users;
  readonly dns: SimulatedDns;
  readonly resolvers: Resolvers;
  readonly interruptions: Interruptions;
  readonly faults: Faults;
  readonly store: StoreServer;
  readonly read: ReadStore;

  constructor(world: World, script: (source: string) => string) {
    this.world = world;
    const network = new Network(world);
    const machine = new Machine('redis', world);
    const server = new Process('redis', machine, world);
    let begins = 1.7e15 + world.random.below(1e9);
    const memory = new MemoryRedis({
      nowMicros: () => Math.floor(begins + server.clock.now() * 1_000),
      runId: runIdOf(world.seed, 0),
      later: (ms, then) => server.later(ms, then),
    });
    const drones: SimulatedDrone[] = [];
    const proxies: SimulatedProxy[] = [];
    this.read = Object.assign((command: readonly string[]) => memory.read(command), {
      hash: (key: string) => memory.hash(key),
      set: (key: string) => memory.set(key),
      writes: () => memory.writes,
    });
    const scripts = new ScriptNames();
    const watch = new Invariants(world, this.read, drones, proxies, scripts, DRONES);
    const bus = new BusServer(world, network);
    const rpc = new RpcLinks(world, network);
    const store = new StoreServer(
      world,
      network,
      memory,
      (...seen) => watch.carriedOut(...seen),
      (process, command) => {
        const run = scripts.run(command);
        if (run) watch.names.carriedOut(process, run);
        return interruptions.hears(process, command);
      },
      script,
    );
    this.store = store;
    const fate: Surroundings['fate'] = (drone, one) => {
      const proxy = proxies.find(({ identity }) => identity.bootId === one.bootId);
      if (!proxy || one.bootId !== drone) return 'unknown';
      return proxy.process && proxy.identity.pid === one.pid ? 'alive' : 'dead';
    };
    const around: Surroundings = { world, network, rpc, bus, store, schedulers: SCHEDULERS, fate };
    for (const name of DRONES)
      drones.push(new SimulatedDrone(name, `10.${drones.length + 1}.0.0/24`, around, watch));
    const dial = (endpoint: Endpoint) => this.#dial(endpoint);
    for (const [index, name] of PROXIES.entries())
      proxies.push(new SimulatedProxy(name, around, watch, dial, index === 0, DRONES[index] ?? ''));
    this.drones = drones;
    this.proxies = proxies;
    this.invariants = watch;
    const schedulers = SCHEDULERS.map((name) => new SimulatedScheduler(name, around));
    this.schedulers = schedulers;
    this.apps = new AppServers(around, watch);
    this.users = new Users(around, this.apps, this.proxies);
    this.dns = new SimulatedDns('n1', around);
    this.resolvers = new Resolvers(world, this.apps, this.dns, watch);
    const losses = new StoreFaults(world, memory, () => {
      watch.storeLost();
      // Another machine's clock is another one.
      if (world.random.chance(0.7)) begins += world.random.between(-60e6, 30e6);
    });
    const interruptions = new Interruptions(world, schedulers, scripts, losses);
    this.interruptions = interruptions;
    const mortals = [...schedulers, ...this.drones, ...this.proxies, this.dns];
    const beside = [
      interruptions,
      new EngineFaults(world, drones),
      new SandboxFaults(world, drones),
      new LateRegistrations(world, rpc, drones),
      new Reboots(world, drones),
      new Freezes(world, this.dns),
      new LogGaps(world, network, memory, [...proxies, this.dns]),
      new BurntDrone(around, drones, interruptions),
    ];
    this.faults = new Faults(around, { schedulers, drones, proxies, dns: this.dns, losses, beside });
    for (const mortal of mortals) mortal.start();
  }

  #dial({ host }: Endpoint) {
    for (const { name, engine } of this.drones) {
      const container = engine.at(host);
      if (container) return { container, drone: name };
    }
    return undefined;
  }
}
