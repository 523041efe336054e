/** One run of `up`, from taking its place to leaving it clean. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '@spawner/domain';
import { anyPort, portIsFree } from '@spawner/service/ports';
import { OwnClaim, type OwnContainers, writeWhole } from './claim/claim.ts';
import { keepClusterSecret } from './claim/cluster-secret.ts';
import { localFile } from './claim/local-file.ts';
import type { Place } from './claim/place.ts';
import { announce } from './output/announce.ts';
import type { Progress } from './output/progress.ts';
import { removeLabelled } from './parts/docker.ts';
import { unmountAll } from './parts/mounts.ts';
import { dockerPart, natsPart, type Part, redisPart } from './parts/parts.ts';
import { droneReady, serviceReady } from './parts/readiness.ts';
import { provideDemo, provideRuntime, type Runtime } from './parts/runtime.ts';
import { Children } from './processes/children.ts';
import { endProcessBackends } from './processes/process-backends.ts';
import {
  addressesOf,
  adminHost,
  childEnvironment,
  clusterOf,
  constellationOf,
  type Environment,
} from './settings/environment.ts';
import { choosePorts, type Ports } from './settings/ports.ts';
import {
  CONTROL_PLANE,
  type Constellation,
  type ControlPlane,
  SERVICES,
  type ServiceName,
  STOP_ORDER,
  serviceEntry,
  serviceVariables,
  type Variables,
} from './settings/services.ts';

const PART_ANSWERS_WITHIN_MS = 30_000;
const ALL_READY_WITHIN_MS = 120_000;
const SERVICE_STOPS_WITHIN_MS = 8_000;

export class Up {
  readonly #place: Place;
  readonly #env: Environment;
  readonly #progress: Progress;
  /** Aborts at a stop signal, or after a failure that a restart cannot repair. */
  readonly #signal: AbortSignal;
  readonly #failed = new AbortController();
  readonly #children: Children;
  readonly #startedAt = systemClock.now();
  #claim: OwnClaim | undefined;
  #containers: OwnContainers | undefined;
  #publish: () => void = () => {};

  /** Stops when `signal` aborts. */
  constructor(place: Place, env: Environment, progress: Progress, signal: AbortSignal) {
    this.#place = place;
    this.#env = env;
    this.#progress = progress;
    this.#signal = AbortSignal.any([signal, this.#failed.signal]);
    this.#children = new Children({
      say: (text) => progress.warn(text),
      started: (name, pid) => {
        this.#claim?.add(name, pid);
        this.#publish();
      },
    });
  }

  /** Starts everything and resolves after it has stopped: with exit code 0, or 1 after a failure, which it prints. */
  async run(): Promise<number> {
    try {
      this.#claim = await OwnClaim.take(this.#place, (text) => this.#progress.say(text));
      await Promise.race([this.#start(), this.#children.hopeless]);
      await Promise.race([aborted(this.#signal), this.#children.hopeless]);
      return 0;
    } catch (error) {
      if (this.#signal.aborted) return 0;
      this.#progress.fail(error);
      this.#failed.abort(error);
      return 1;
    } finally {
      if (this.#claim) await this.#stop().finally(() => this.#claim?.release());
    }
  }

  /** Kills every process at once, without any cleanup. */
  killAll(): void {
    this.#children.killAll();
  }

  async #start(): Promise<void> {
    endProcessBackends(this.#place.agent);
    for (const folder of [this.#place.logs, this.#place.agent]) {
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder, { recursive: true, mode: 0o700 });
    }
    keepClusterSecret(this.#place.clusterSecretFile);
    const bindAddress = this.#env.SPAWNER_BIND_ADDRESS || '127.0.0.1';
    const { ports, moved } = await choosePorts(this.#env, (port) => portIsFree(port, bindAddress));
    for (const sentence of moved) this.#progress.say(sentence);
    const [control, runtime] = await Promise.all([this.#startControlPlane(ports), this.#provideRuntime()]);
    const constellation = { ...control, runtime };
    const demo = this.#provideDemo(runtime);
    const ready = this.#removeContainers().then(() => this.#startAgent(constellation, ports));
    const [demoImage] = await Promise.all([demo, ready]);
    this.#announce(constellation, ports, demoImage);
  }

  /** Starts Redis, NATS and every service but the agent. They load while the runtime is still looked for, or started. */
  async #startControlPlane(ports: Ports): Promise<ControlPlane> {
    const [redisUrl, natsUrl] = await Promise.all([
      this.#env.SPAWNER_REDIS_URL || this.#startOnFreePort('Redis', redisPart),
      this.#env.SPAWNER_NATS_URL || this.#startOnFreePort('NATS', natsPart),
    ]);
    const control = constellationOf(this.#place, this.#env, ports, { redisUrl, natsUrl });
    for (const service of CONTROL_PLANE)
      this.#startService(service, serviceVariables(service, control, ports));
    return control;
  }

  /** Starts the agent, and resolves when everything is ready. */
  async #startAgent(constellation: Constellation, ports: Ports): Promise<void> {
    this.#startService('agent', serviceVariables('agent', constellation, ports));
    await this.#allReady(constellation, ports);
  }

  #startOnFreePort(name: string, part: (place: Place, env: Environment, port: number) => Part) {
    return this.#progress.step(
      `Starting ${name}`,
      async () => this.#startPart(part(this.#place, this.#env, await anyPort())),
      (url) => `${name} answers at ${url}`,
    );
  }

  #startPart(part: Part): Promise<string> {
    return this.#children.startPart(part, PART_ANSWERS_WITHIN_MS, this.#signal);
  }

  async #provideRuntime(): Promise<Runtime> {
    const { progress, place, env } = { progress: this.#progress, place: this.#place, env: this.#env };
    const startDocker = () =>
      progress.step(
        'Starting a Docker Engine',
        async () => this.#startPart(dockerPart(place, env)),
        (socket) => `Docker answers at ${socket}`,
      );
    const runtime = await provideRuntime({ place, env, progress, startDocker });
    if (runtime.kind === 'docker') {
      this.#containers = { socket: runtime.socket, label: `dev.spawner.cluster=${clusterOf(place, env)}` };
      this.#claim?.noteContainers(this.#containers);
    }
    return runtime;
  }

  #provideDemo(runtime: Runtime): Promise<string> {
    return this.#progress.step(
      'Building the demo',
      () => provideDemo(runtime),
      (image) => `The demo is there as ${image}`,
    );
  }

  #startService(service: ServiceName, variables: Variables): void {
    this.#signal.throwIfAborted();
    this.#children.start({
      name: service,
      command: process.execPath,
      args: [serviceEntry(this.#place.root, service)],
      env: childEnvironment(variables, this.#env),
      cwd: this.#place.root,
      logFile: join(this.#place.logs, `${service}.log`),
      stopWithinMs: SERVICE_STOPS_WITHIN_MS,
    });
  }

  async #allReady({ bindAddress, droneId }: Constellation, ports: Ports): Promise<void> {
    const waiting = { clock: systemClock, signal: this.#signal, withinMs: ALL_READY_WITHIN_MS };
    const host = adminHost(bindAddress, this.#env);
    const ready = SERVICES.map((service) => {
      const port = ports[`SPAWNER_${service.toUpperCase() as Uppercase<typeof service>}_ADMIN_PORT`];
      return this.#progress.step(
        `Starting ${service}`,
        () => serviceReady(service, `http://${host}:${port}`, waiting),
        () => `${service} is ready`,
      );
    });
    await Promise.all(ready);
    await droneReady(addressesOf(bindAddress, ports).api, droneId, waiting);
  }

  #announce(constellation: Constellation, ports: Ports, demoImage: string): void {
    const { root, logs, localFile: file, certificates } = this.#place;
    const addresses = addressesOf(constellation.bindAddress, ports);
    const facts = { pid: process.pid, place: this.#place, constellation, ports, addresses, demoImage };
    const local = () => localFile({ ...facts, pids: this.#children.pids() });
    this.#publish = () => writeWhole(file, local());
    this.#publish();
    const seconds = (systemClock.now() - this.#startedAt) / 1000;
    const caFile = join(certificates, 'ca.pem');
    this.#progress.say(`\n${announce({ local: local(), root, logs, caFile, seconds })}`);
  }

  async #stop(): Promise<void> {
    this.#publish = () => {};
    await this.#progress.step('Stopping', async () => {
      await this.#children.stop(STOP_ORDER);
      endProcessBackends(this.#place.agent);
      await this.#removeContainers().catch((error: unknown) => this.#progress.fail(error));
      await this.#children.stop(['redis', 'nats', 'dockerd']);
      unmountAll([this.#place.dockerData, this.#place.dockerSockets]);
      rmSync(this.#place.dockerSockets, { recursive: true, force: true });
    });
  }

  /** Removes the containers of this cluster. */
  async #removeContainers(): Promise<void> {
    if (this.#containers) await removeLabelled(this.#containers.socket, this.#containers.label);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
