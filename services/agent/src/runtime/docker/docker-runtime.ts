import { createHash } from 'node:crypto';
import { type Clock, DEADLINES, isBackendId, SPEC_DEFAULTS } from '@spawner/domain';
import type { BackendSpec, PullProgress } from '@spawner/proto/v1/backend';
import type { TailLogsResponse } from '@spawner/proto/v1/backend_service';
import type { Log } from '@spawner/service';
import Docker from 'dockerode';
import { AddressRange } from '../../network/address-range.ts';
import { ensureNetwork, isMissingNetwork, type NetworkApi } from '../../network/bridge-network.ts';
import { establishedTo, hasAddress } from '../../network/established.ts';
import { hostRoutes, overlapsAny } from '../../network/host-routes.ts';
import type { StateDir } from '../../state/state-dir.ts';
import { jsonLines } from '../json-lines.ts';
import { FrameReader } from '../log-lines.ts';
import {
  type Condition,
  ENDED_EARLY,
  type Endpoints,
  type LogOptions,
  type Program,
  type Runtime,
  RuntimeError,
  type Sample,
} from '../runtime.ts';
import {
  type ContainerSettings,
  containerName,
  containerOptions,
  endpointsOf,
  LABELS,
  ours,
} from './container-spec.ts';
import { type EngineStats, sampleOf } from './container-stats.ts';
import { asRuntimeError, engineCall, isUnanswered, messageOf, statusOf, unlessMissing } from './errors.ts';
import { type ImageApi, Images } from './images.ts';

/** dockerd answers every call but pulls and streams much faster. If it does not, it is stuck. */
const CALL_MS = 60_000;
const REMOVAL_MS = 10_000;
const ADDRESS_TRIES = 16;
const isConflict = (error: unknown) => statusOf(error) === 409;
const CURSOR_FILE = 'address-cursor';

export interface DockerOptions extends ContainerSettings {
  readonly socketPath: string;
  /** The subnet of a network that must be created. Empty for the first free one of 10.213.0.0/16 to 10.228.0.0/16. */
  readonly subnet: string;
  /** Pulls of different images that run at once. */
  readonly pullsAtOnce: number;
  readonly state: StateDir;
  readonly clock: Clock;
  readonly log: Log;
}

/** Whether an engine answers on this socket within a second. */
export function dockerAnswers(socketPath: string): Promise<boolean> {
  const ping: Promise<unknown> = new Docker({ socketPath, timeout: 1_000 }).ping();
  return ping.then(() => true).catch(() => false);
}

/** Connects to the engine and creates the drone's network if it is missing. Rejects if the engine does not answer. */
export async function openDocker(options: DockerOptions): Promise<Runtime> {
  const docker = new Docker({ socketPath: options.socketPath, timeout: CALL_MS });
  const routes = hostRoutes();
  const isTaken = (subnet: string) => overlapsAny(subnet, routes);
  const subnet = await ensureNetwork(networkApi(docker), options, isTaken);
  // Two drones on one engine start apart in the range. The engine refuses an address that both have allocated.
  const apart = createHash('sha256').update(options.droneId).digest().readUInt32BE(0);
  const range = new AddressRange(subnet, Number(options.state.read(CURSOR_FILE) ?? apart));
  const streams = new Docker({ socketPath: options.socketPath });
  return new DockerRuntime(docker, streams, range, { ...options, subnet });
}

class DockerRuntime implements Runtime {
  readonly kind = 'docker';
  readonly #docker: Docker;
  /** A client without a timeout on silence. */
  readonly #streams: Docker;
  readonly #range: AddressRange;
  readonly #options: DockerOptions;
  /** Without a container, the program runs already. */
  readonly #created = new Map<string, { program: Program; container?: Docker.Container }>();
  readonly #addresses = new Map<string, string>();
  readonly #images: Images;
  #creatingNetwork: Promise<string> | undefined;

  constructor(docker: Docker, streams: Docker, range: AddressRange, options: DockerOptions) {
    this.#docker = docker;
    this.#streams = streams;
    this.#range = range;
    this.#options = options;
    this.#images = new Images(imageApi(docker, streams), { ...options, random: Math.random });
  }

  pull(spec: BackendSpec, signal: AbortSignal): Promise<void> {
    return this.#images.pull(spec, signal);
  }

  pullProgress(spec: BackendSpec): PullProgress | undefined {
    return this.#images.progress(spec);
  }

  async create(program: Program): Promise<void> {
    const address = this.#range.allocate(this.#options.clock.now());
    if (!address) throw new RuntimeError("no address is free in the drone's network");
    // Not durable: after a power loss no program has an address that another could still use.
    this.#options.state.write(CURSOR_FILE, String(this.#range.cursor), { durable: false });
    this.#addresses.set(program.id, address);
    const container = await this.#createContainer(program, address);
    this.#created.set(program.id, { program, container });
  }

  async start(id: string): Promise<Endpoints> {
    const created = this.#created.get(id);
    if (!created) throw new Error('start before create');
    const { program } = created;
    for (let tries = 1; ; tries++) {
      try {
        // Not by name: a start that is carried out late must not reach a later container.
        await this.#created.get(id)?.container?.start();
        break;
      } catch (error) {
        // It runs already, as after a start that a dead agent ordered.
        if (statusOf(error) === 304) break;
        const message = messageOf(error);
        if (tries === ADDRESS_TRIES) throw asRuntimeError(error);
        if (isUnanswered(error)) {
          if (await this.#hasStarted(id)) break;
        } else if (isMissingNetwork(message)) await this.#createNetwork();
        else if (/address already in use/i.test(message)) {
          // Another container has the address, and its release is not reported: the address rests like our own.
          await this.remove(id);
          await this.create(program);
        } else throw asRuntimeError(error);
      }
    }
    this.#created.delete(id);
    if (this.#options.publishAddress !== '')
      return endpointsOf(this.#options, await this.#container(id).inspect());
    const host = this.#addresses.get(id) ?? '';
    return { local: { host, port: program.spec.port ?? SPEC_DEFAULTS.port } };
  }

  async signal(id: string, name: string): Promise<boolean> {
    try {
      await this.#container(id).kill({ signal: name });
      return true;
    } catch (error) {
      if (statusOf(error) === 404 || isConflict(error)) return false;
      throw error;
    }
  }

  async remove(id: string): Promise<void> {
    await this.#removeContainer(id);
    this.#created.delete(id);
    const address = this.#addresses.get(id);
    this.#addresses.delete(id);
    if (address) this.#range.release(address, this.#options.clock.now(), DEADLINES.addressRest);
  }

  async inspect(id: string): Promise<Condition> {
    const inspected = await unlessMissing(this.#container(id).inspect());
    if (!inspected) return { is: 'absent' };
    const { Status, Running, ExitCode, OOMKilled } = inspected.State;
    if (Running)
      return { is: 'running', endpoints: this.#adopted(id, endpointsOf(this.#options, inspected)) };
    if (Status === 'created') return { is: 'absent' };
    return { is: 'exited', exit: { code: ExitCode, outOfMemory: OOMKilled } };
  }

  async *logs(id: string, { follow, tailLines, signal }: LogOptions): AsyncGenerator<TailLogsResponse> {
    const options = { stdout: true, stderr: true, timestamps: true, tail: tailLines, follow };
    const reader = new FrameReader();
    for await (const bytes of await this.#logStream(id, options, signal)) yield* reader.take(bytes as Buffer);
    yield* reader.end();
  }

  async *stats(id: string, signal: AbortSignal): AsyncGenerator<Sample> {
    const container = this.#streams.getContainer(containerName(id));
    const stream = await container.stats({ stream: true, abortSignal: signal } as { stream: true });
    for await (const frame of jsonLines<EngineStats>(stream, signal)) {
      const sample = sampleOf(frame);
      if (sample) yield sample;
    }
  }

  async established(id: string): Promise<number | undefined> {
    const inspected = await this.#container(id).inspect();
    const { Pid, Running } = inspected.State;
    const address = inspected.NetworkSettings.Networks[this.#options.network]?.IPAddress ?? '';
    // If the agent does not see the engine's processes, the PID is that of another process, or unused.
    if (!Running || Pid === 0 || !hasAddress(address, Pid)) return undefined;
    return establishedTo(Number(inspected.Config.Labels[LABELS.port]), Pid);
  }

  async list(): Promise<string[]> {
    const filters = { label: ours(this.#options) };
    const found = await this.#docker.listContainers({ all: true, filters });
    return found.map(({ Labels }) => Labels[LABELS.backend] ?? '').filter((id) => isBackendId(id));
  }

  async watch(changed: (id?: string) => void, signal: AbortSignal): Promise<void> {
    const stream = await this.#streams.getEvents({
      filters: { type: ['container'], event: ['die', 'destroy'], label: ours(this.#options) },
      abortSignal: signal,
    });
    changed();
    type Happened = { Actor?: { Attributes?: Record<string, string> } };
    for await (const { Actor } of jsonLines<Happened>(stream, signal))
      changed(Actor?.Attributes?.[LABELS.backend]);
  }

  close(): void {}

  #container(id: string) {
    return this.#docker.getContainer(containerName(id));
  }

  /** Streams the log. The client's own method buffers a log that is not followed, and that may be 20 MB. */
  #logStream(id: string, options: object, abortSignal: AbortSignal): Promise<NodeJS.ReadableStream> {
    const statusCodes = { 200: true, 404: 'no such container', 409: 'conflict', 500: 'server error' };
    const path = `/containers/${containerName(id)}/logs?`;
    const call = { path, method: 'GET', isStream: true, abortSignal, statusCodes, options };
    return new Promise((resolve, reject) => {
      this.#streams.modem.dial(call, (error, stream) =>
        error ? reject(error) : resolve(stream as NodeJS.ReadableStream),
      );
    });
  }

  /** Creates the network again. `docker network prune` removes it while no backend uses it. */
  #createNetwork(): Promise<string> {
    const api = networkApi(this.#docker);
    // Concurrent callers share one creation: the engine refuses a second one before it lists the first.
    this.#creatingNetwork ??= ensureNetwork(api, this.#options, () => false).finally(() => {
      this.#creatingNetwork = undefined;
    });
    return this.#creatingNetwork;
  }

  /** Marks the address of an adopted container as used. */
  #adopted(id: string, endpoints: Endpoints): Endpoints {
    this.#range.use(endpoints.local.host);
    this.#addresses.set(id, endpoints.local.host);
    return endpoints;
  }

  /** Returns undefined if the program runs already. */
  async #createContainer(program: Program, address: string): Promise<Docker.Container | undefined> {
    const options = containerOptions(this.#options, program, address);
    try {
      return await this.#docker.createContainer(options);
    } catch (error) {
      if (isConflict(error)) {
        if (await this.#keeps(program)) return undefined;
      } else if (isMissingNetwork(messageOf(error))) await this.#createNetwork();
      else if (statusOf(error) !== 404 || !(await this.#images.pullAgain(program.spec)))
        throw asRuntimeError(error);
      return engineCall(this.#docker.createContainer(options));
    }
  }

  /**
   * Returns whether the program runs already, in the container that has its name, and otherwise frees the name. The engine
   * may carry out a dead agent's start at any time, and a program must not start twice. It is therefore not removed by
   * force: the engine refuses to remove a container that it has started meanwhile.
   */
  #keeps({ id, placement }: Program): Promise<boolean> {
    return this.#repeat(REMOVAL_MS, isConflict, async () => {
      const inspected = await unlessMissing(this.#container(id).inspect());
      const isSame = inspected?.Config.Labels[LABELS.placement] === String(placement);
      if (isSame && inspected.State.Running) {
        // The address of the container that could not be created is free again, unless both are the same.
        this.#range.release(this.#addresses.get(id) ?? '', this.#options.clock.now(), 0);
        this.#adopted(id, endpointsOf(this.#options, inspected));
        return true;
      }
      if (isSame && inspected.State.Status === 'exited') throw new RuntimeError(ENDED_EARLY);
      await unlessMissing(this.#container(id).remove({ force: !isSame, v: true }));
      return false;
    });
  }

  async #removeContainer(id: string): Promise<void> {
    const removal = () => unlessMissing(this.#container(id).remove({ force: true, v: true }));
    // Another removal may be in progress.
    await this.#repeat(REMOVAL_MS, isConflict, removal);
  }

  /**
   * Returns whether the engine has started the program, although its answer was lost. It may have died, so this waits until
   * it answers again.
   */
  async #hasStarted(id: string): Promise<boolean> {
    const condition = await this.#repeat(CALL_MS, isUnanswered, () => this.inspect(id));
    if (condition.is === 'exited') throw new RuntimeError(ENDED_EARLY);
    return condition.is === 'running';
  }

  /** Repeats `work` for some time while it fails with an error that passes. */
  async #repeat<T>(forMs: number, passes: (error: unknown) => boolean, work: () => Promise<T>): Promise<T> {
    const { clock } = this.#options;
    const deadline = clock.now() + forMs;
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (!passes(error) || clock.now() > deadline) throw error;
        await clock.sleep(50);
      }
    }
  }
}

function networkApi(docker: Docker): NetworkApi {
  return {
    find: async (name) => {
      const found = await unlessMissing(docker.getNetwork(name).inspect());
      if (!found) return undefined;
      return { subnet: found.IPAM?.Config?.[0]?.Subnet ?? '' };
    },
    create: (options) => engineCall(docker.createNetwork(options)),
  };
}

function imageApi(docker: Docker, streams: Docker): ImageApi {
  return {
    inspect: (image) => docker.getImage(image).inspect(),
    pull: (image, options) => streams.pull(image, options),
  };
}
