import type { Bus } from '@spawner/bus';
import type { Member, Membership } from '@spawner/cluster';
import { type Clock, DEADLINES } from '@spawner/domain';
import type { Node } from '@spawner/proto/internal/node';
import type { Implementation } from '@spawner/rpc';
import type { App, Log, ProcessIdentity } from '@spawner/service';
import { ActivityFile } from './idle/activity-file.ts';
import { type ProcessStatus, processStatusOnThisMachine } from './idle/process-status.ts';
import { ProxyProcesses } from './idle/proxy-processes.ts';
import { Settler } from './idle/settler.ts';
import { Drone } from './lifecycle/drone.ts';
import type { Attempt } from './lifecycle/probe.ts';
import { Reconciler } from './lifecycle/reconcile.ts';
import type { Metrics } from './metrics.ts';
import { memberOf } from './report/member.ts';
import { Telemetry } from './report/telemetry.ts';
import type { Runtime } from './runtime/runtime.ts';
import { agentService } from './server.ts';
import { Journal } from './state/journal.ts';
import { fencingAt, Lease } from './state/lease.ts';
import type { StateFiles } from './state/state-dir.ts';

/** What a machine gives its agent. */
export interface AgentParts {
  readonly droneId: string;
  readonly cluster: string;
  readonly state: StateFiles;
  /** Names this boot of the machine, in whose time the journal's instants are. */
  readonly boot: string;
  readonly clock: Clock;
  readonly runtime: Runtime;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly attempt?: Attempt;
  /** What became of a process that may be one of this machine; by /proc unless given. */
  readonly fate?: (one: ProcessIdentity) => ProcessStatus;
  readonly random?: () => number;
}

/**
 * An agent put together, in the order that its promises need: it takes its journal up and fences before
 * anybody can reach it, joins, and ends backends for idleness when the bus is there.
 */
export class Agent {
  readonly drone: Drone;
  readonly service: Implementation;
  readonly #app: Pick<App, 'own' | 'every'>;
  readonly #parts: AgentParts;
  readonly #lease: Lease;
  readonly #activity: ActivityFile;
  readonly #reconciler: Reconciler;

  /** Takes up what the journal holds; strictly keyed backends whose lease has passed begin to end. */
  constructor(app: Pick<App, 'own' | 'every'>, parts: AgentParts) {
    const { state, boot, clock, log, random } = parts;
    this.#app = app;
    this.#parts = parts;
    this.#activity = new ActivityFile(state, boot);
    this.drone = app.own(new Drone({ ...parts, journal: new Journal(state, boot, log) }));
    this.drone.adopt(this.#activity.read());
    this.#lease = new Lease(state, boot, log);
    this.#fence();
    this.service = agentService(this.drone, parts, clock);
    this.#reconciler = new Reconciler(this.drone, clock, log, random);
  }

  member(node: Node): Member {
    return memberOf(this.drone, this.#lease, node);
  }

  /** From now on it renews, follows the runtime and keeps its deadlines. */
  join(membership: Pick<Membership, 'run' | 'kick' | 'registration'>): void {
    const { drone } = this;
    drone.join(membership);
    this.#app.every('renewing', 100, (signal) => membership.run(signal));
    this.#app.every('following the runtime', 100, (signal) => this.#reconciler.follow(signal));
    this.#app.every('reconciling', 10_000, () => this.#reconciler.all());
    this.#app.every('deadlines', 100, async () => drone.tick());
    this.#app.every('fencing', 250, async () => this.#fence());
  }

  /** From now on it hears of use, and ends what nobody uses. */
  connectBus(bus: Bus, scheduler: Membership['scheduler']): void {
    const { drone } = this;
    const { clock, fate = processStatusOnThisMachine() } = this.#parts;
    const proxies = new ProxyProcesses(clock, fate);
    const parts = { ...this.#parts, bus, drone, proxies };
    const telemetry = this.#app.own(new Telemetry(parts, (id) => this.#reconciler.look(id)));
    const settler = new Settler({ ...parts, scheduler });
    this.#app.every('settling', 200, async () => {
      proxies.check();
      settler.turn();
    });
    this.#app.every('heartbeat', DEADLINES.renewEvery, async () => telemetry.heartbeat());
    this.#app.every('keeping activity', 5_000, async () => this.#activity.write(drone.living()));
  }

  #fence(): void {
    this.drone.fence(fencingAt(this.#lease.age(this.#parts.clock.now())));
  }
}
