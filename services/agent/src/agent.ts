import type { Bus } from '@spawner/bus';
import type { Member, Membership } from '@spawner/cluster';
import { DEADLINES } from '@spawner/domain';
import type { Node } from '@spawner/proto/internal/node';
import type { Implementation } from '@spawner/rpc';
import type { App, ProcessIdentity } from '@spawner/service';
import { ActivityFile } from './idle/activity-file.ts';
import { type ProcessStatus, processStatusOnThisMachine } from './idle/process-status.ts';
import { ProxyProcesses } from './idle/proxy-processes.ts';
import { Settler } from './idle/settler.ts';
import { Drone, type DroneParts } from './lifecycle/drone.ts';
import { Reconciler } from './lifecycle/reconcile.ts';
import { memberOf } from './report/member.ts';
import { Telemetry } from './report/telemetry.ts';
import { agentService } from './server.ts';
import { Journal } from './state/journal.ts';
import { fencingAt, Lease } from './state/lease.ts';
import type { StateFiles } from './state/state-dir.ts';

/** Everything that an agent gets from its machine and its process. */
export interface AgentParts extends Omit<DroneParts, 'journal'> {
  readonly droneId: string;
  readonly cluster: string;
  readonly state: StateFiles;
  /** Identifies this boot of the machine. Stored instants are only valid within it. */
  readonly boot: string;
  /** Whether the lines of programs are published over NATS. */
  readonly logsOnBus?: boolean;
  /** The status of a process that may be on this machine. Read from /proc by default. */
  readonly processStatus?: (process: ProcessIdentity) => ProcessStatus;
}

/**
 * The composition of an agent, in the order that its guarantees need. It adopts its journal and fences before anyone can
 * reach it, then joins the cluster, and starts idle shutdowns once NATS is connected.
 */
export class Agent {
  readonly drone: Drone;
  readonly service: Implementation;
  readonly #app: Pick<App, 'own' | 'every'>;
  readonly #parts: AgentParts;
  readonly #lease: Lease;
  readonly #activity: ActivityFile;
  readonly #reconciler: Reconciler;

  /** Adopts the backends of the journal, and fences off the strictly keyed ones if the lease has passed. */
  constructor(app: Pick<App, 'own' | 'every'>, parts: AgentParts) {
    const { state, boot, clock, log } = parts;
    this.#app = app;
    this.#parts = parts;
    this.#activity = new ActivityFile(state, boot);
    this.drone = app.own(new Drone({ ...parts, journal: new Journal(state, boot, log) }));
    this.drone.adopt(this.#activity.read());
    this.#lease = new Lease(state, boot, log);
    this.#fence();
    this.service = agentService(this.drone, parts, clock);
    this.#reconciler = new Reconciler(this.drone, parts);
  }

  member(node: Node): Member {
    return memberOf(this.drone, this.#lease, node);
  }

  /** Starts to renew, to follow the runtime and to keep deadlines. */
  join(membership: Pick<Membership, 'run' | 'kick' | 'registration'>): void {
    const { drone } = this;
    drone.join(membership);
    this.#app.every('renewing', 100, (signal) => membership.run(signal));
    this.#app.every('following the runtime', 100, (signal) => this.#reconciler.follow(signal));
    this.#app.every('reconciling', 10_000, () => this.#reconciler.all());
    this.#app.every('deadlines', 100, async () => drone.tick());
    this.#app.every('fencing', 250, async () => this.#fence());
    const { sandboxes } = drone.runtime;
    // Sandboxes must not slow down the start of a program, nor that of the services on this machine.
    const busy = () => this.#parts.starts.busy || drone.registration === 0;
    if (sandboxes) this.#app.every('keeping sandboxes', 250, (signal) => sandboxes.turn(busy, signal));
  }

  /** Starts to receive activity reports, to publish telemetry and to end idle backends. */
  connectBus(bus: Bus, scheduler: Membership['scheduler']): void {
    const { drone } = this;
    const { clock, logsOnBus = false, processStatus = processStatusOnThisMachine() } = this.#parts;
    const proxies = new ProxyProcesses(clock, processStatus);
    const parts = { ...this.#parts, bus, drone, proxies, logsOnBus };
    const telemetry = this.#app.own(new Telemetry(parts, (id) => this.#reconciler.look(id)));
    const settler = new Settler({ ...parts, scheduler });
    this.#app.every('settling', 200, async () => {
      proxies.check();
      settler.turn();
    });
    this.#app.every('heartbeat', DEADLINES.renewEvery, async () => telemetry.heartbeat());
    this.#app.every('queue positions', 1_000, async () => telemetry.queue());
    this.#app.every('storing activity', 5_000, async () => this.#activity.write(drone.living()));
  }

  #fence(): void {
    this.drone.fence(fencingAt(this.#lease.age(this.#parts.clock.now())));
  }
}
