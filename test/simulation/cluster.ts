import { createHash } from 'node:crypto';
import type { Endpoint } from '@spawner/proto/internal/backend_status';
import { Invariants } from './checks/invariants.ts';
import { AppServers } from './parts/app-servers.ts';
import { SimulatedDrone } from './parts/drone.ts';
import { Faults } from './parts/faults.ts';
import { SimulatedProxy } from './parts/proxy.ts';
import { SimulatedScheduler } from './parts/scheduler.ts';
import type { Surroundings } from './parts/surroundings.ts';
import { Users } from './parts/users.ts';
import { MemoryRedis } from './redis/memory-redis.ts';
import { BusServer } from './world/bus-link.ts';
import { Machine } from './world/machine.ts';
import { Network } from './world/network.ts';
import { Process } from './world/process.ts';
import { RpcLinks } from './world/rpc-link.ts';
import { StoreServer } from './world/store-link.ts';
import { Violation, type World } from './world/world.ts';

const SCHEDULERS = ['s1', 's2'];
const DRONES = ['d1', 'd2', 'd3'];
const PROXIES = ['p1', 'p2', 'p3'];

/** A whole small cluster in one world: two schedulers, three drones, three proxies, their users, and what goes wrong. */
export class Cluster {
  readonly world: World;
  readonly invariants: Invariants;
  readonly drones: readonly SimulatedDrone[];
  readonly proxies: readonly SimulatedProxy[];
  readonly apps: AppServers;
  readonly users: Users;
  readonly faults: Faults;
  readonly around: Surroundings;

  constructor(world: World) {
    this.world = world;
    const network = new Network(world);
    const machine = new Machine('redis', world);
    const server = new Process('redis', machine, world);
    const begins = 1.7e15 + world.random.below(1e9);
    const memory = new MemoryRedis({
      nowMicros: () => begins + Math.floor(server.clock.now() * 1_000),
      runId: runId(world.seed, 0),
      clock: server.clock,
    });
    const store = new StoreServer(world, network, memory, (command, reply) =>
      this.invariants.carriedOut(command, reply),
    );
    const bus = new BusServer(world, network);
    const rpc = new RpcLinks(world, network);
    const around: Surroundings = { world, network, rpc, bus, store, schedulers: SCHEDULERS };
    this.around = around;
    const watch = {
      started: (container: Parameters<Invariants['started']>[0]) => this.invariants.started(container),
      stopping: (container: Parameters<Invariants['stopping']>[0]) => this.invariants.stopping(container),
    };
    const subnet = (index: number) => `10.${index}.0.0/24`;
    this.drones = DRONES.map((name, index) => new SimulatedDrone(name, subnet(index + 1), around, watch));
    const dial = (endpoint: Endpoint) => this.#dial(endpoint);
    this.proxies = PROXIES.map(
      (name, index) => new SimulatedProxy(name, around, () => this.invariants, dial, index === 0),
    );
    this.invariants = new Invariants(world, (command) => memory.execute(command), this.drones, this.proxies);
    const schedulers = SCHEDULERS.map((name) => new SimulatedScheduler(name, around));
    this.apps = new AppServers(around);
    this.users = new Users(around, this.apps, this.proxies);
    this.faults = new Faults(around, [...schedulers, ...this.drones, ...this.proxies]);
    for (const mortal of [...schedulers, ...this.drones, ...this.proxies]) mortal.start();
  }

  #dial({ host }: Endpoint) {
    for (const { name, engine } of this.drones) {
      const container = engine.at(host);
      if (container) return { container, drone: name };
    }
    return undefined;
  }
}

export { Violation };

function runId(seed: number, life: number): string {
  return createHash('sha1').update(`${seed}/${life}`).digest('hex');
}
