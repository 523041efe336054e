import { type Clock, isBackendId, SPEC_DEFAULTS } from '@spawner/domain';
import type { BackendSpec, PullProgress } from '@spawner/proto/v1/backend';
import type { TailLogsResponse } from '@spawner/proto/v1/backend_service';
import type { Addresses } from '../../network/addresses.ts';
import { isMissingNetwork } from '../../network/bridge-network.ts';
import { establishedTo, hasAddress } from '../../network/established.ts';
import { listenersOf } from '../../network/listeners.ts';
import type { SandboxKeeper } from '../../network/sandbox-keeper.ts';
import {
  type Condition,
  ENDED_EARLY,
  type Endpoints,
  type LogOptions,
  type Program,
  type Runtime,
  RuntimeError,
  type Sample,
  SEVERED,
  STOP_SIGNAL,
} from '../runtime.ts';
import {
  type ContainerSettings,
  canJoin,
  containerName,
  containerOptions,
  endpointsOf,
  holderOf,
  type Inspected,
  LABELS,
  ours,
} from './container-spec.ts';
import type { ContainerStreams } from './container-streams.ts';
import type { Engine, EngineContainer } from './engine.ts';
import { asRuntimeError, engineCall, isUnanswered, messageOf, statusOf, unlessMissing } from './errors.ts';
import type { Images } from './images.ts';
import type { DroneNetwork } from './network/drone-network.ts';
import { type Link, Links } from './network/links.ts';

/** dockerd answers every call but pulls and streams much faster. If it does not, it is stuck. */
export const CALL_MS = 60_000;
/** The engine's time of a start that has not happened. */
const NEVER = '0001-01-01T00:00:00Z';
const REMOVAL_MS = 10_000;
const ADDRESS_TRIES = 16;
const isConflict = (error: unknown) => statusOf(error) === 409;

interface DockerParts {
  readonly docker: Engine;
  readonly streams: ContainerStreams;
  readonly network: DroneNetwork;
  readonly addresses: Addresses;
  readonly sandboxes: SandboxKeeper;
  readonly images: Images;
  readonly options: ContainerSettings & { readonly subnet: string; readonly clock: Clock };
}

export class DockerRuntime implements Runtime {
  readonly kind = 'docker';
  readonly sandboxes: SandboxKeeper;
  readonly #docker: Engine;
  readonly #streams: ContainerStreams;
  readonly #network: DroneNetwork;
  readonly #links: Links;
  readonly #images: Images;
  readonly #options: DockerParts['options'];
  /** Without a container, the program runs already. */
  readonly #created = new Map<string, { program: Program; container?: EngineContainer }>();

  constructor({ docker, streams, network, addresses, sandboxes, images, options }: DockerParts) {
    this.sandboxes = sandboxes;
    this.#docker = docker;
    this.#streams = streams;
    this.#network = network;
    this.#links = new Links(addresses, sandboxes);
    this.#images = images;
    this.#options = options;
  }

  pull(spec: BackendSpec, signal: AbortSignal): Promise<void> {
    return this.#images.pull(spec, signal);
  }

  pullProgress(spec: BackendSpec): PullProgress | undefined {
    return this.#images.progress(spec);
  }

  async create(program: Program, networked?: (ms: number) => void): Promise<void> {
    const { clock } = this.#options;
    const began = clock.now();
    const link = this.#links.attach(program.id, canJoin(this.#options, program.spec));
    networked?.(clock.now() - began);
    // The engine may have died. If it has created the container all the same, a repetition finds its name in use.
    const creation = () => this.#createContainer(program, link);
    const container = await this.#repeat(CALL_MS, isUnanswered, creation);
    this.#created.set(program.id, { program, container });
    await this.#links.releaseFormer(program.id);
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
        } else if (isMissingNetwork(message)) await this.#network.createAgain(this.#options.subnet);
        else if (/address already in use/i.test(message) || this.#hasLostHolder(id, message)) {
          // If another container has the address, its release is not reported: the address rests like our own.
          await this.remove(id);
          await this.create(program);
        } else throw asRuntimeError(error);
      }
    }
    this.#created.delete(id);
    const link = this.#links.of(id);
    if (this.#options.publishAddress !== '' && !link?.holder)
      return endpointsOf(this.#options, await this.#container(id).inspect());
    const local = { host: link?.address ?? '', port: program.spec.port ?? SPEC_DEFAULTS.port };
    return { local, network: link?.published };
  }

  async signal(id: string, name: string): Promise<boolean> {
    try {
      const container = this.#container(id);
      const signal = name || (await stopSignalOf(container));
      await container.kill({ signal });
      return true;
    } catch (error) {
      if (statusOf(error) === 404 || isConflict(error)) return false;
      throw error;
    }
  }

  async remove(id: string): Promise<void> {
    await this.#removeContainer(id);
    this.#created.delete(id);
    await this.#links.release(id);
  }

  async inspect(id: string): Promise<Condition> {
    const inspected = await unlessMissing(this.#container(id).inspect());
    if (!inspected) return { is: 'absent' };
    const { Running, StartedAt, ExitCode, OOMKilled } = inspected.State;
    if (Running) {
      const endpoints = await this.#adopted(id, inspected);
      return endpoints ? { is: 'running', endpoints } : { is: 'severed' };
    }
    // Not by its status: a container that has never run may be under removal, and a look would see an end of it.
    if (StartedAt === NEVER) return { is: 'absent' };
    return { is: 'exited', exit: { code: ExitCode, outOfMemory: OOMKilled } };
  }

  logs(id: string, options: LogOptions): AsyncGenerator<TailLogsResponse> {
    return this.#streams.logs(id, options);
  }

  stats(id: string, signal: AbortSignal): AsyncGenerator<Sample> {
    return this.#streams.stats(id, signal);
  }

  async established(id: string): Promise<number | undefined> {
    const inspected = await this.#container(id).inspect();
    const process = await this.#processOf(id, inspected);
    return process === undefined
      ? undefined
      : establishedTo(Number(inspected.Config.Labels[LABELS.port]), process);
  }

  async listeners(id: string): Promise<string[] | undefined> {
    const process = await this.#processOf(id, await this.#container(id).inspect());
    return process === undefined ? undefined : listenersOf(process);
  }

  async list(): Promise<string[]> {
    const filters = { label: ours(this.#options) };
    const found = await this.#docker.listContainers({ all: true, filters });
    return found.map(({ Labels }) => Labels[LABELS.backend] ?? '').filter((id) => isBackendId(id));
  }

  async watch(changed: (id?: string) => void, signal: AbortSignal): Promise<void> {
    const ended = await this.#streams.ended(ours(this.#options), signal);
    // Holders may have died while no one listened, and the conditions of backends follow from that.
    await this.sandboxes.look();
    changed();
    for await (const { container, backend, isHolder } of ended) {
      const severed = isHolder ? this.sandboxes.died(container) : undefined;
      if (!isHolder || severed !== undefined) changed(severed ?? backend);
    }
  }

  close(): void {}

  #container(id: string) {
    return this.#docker.getContainer(containerName(id));
  }

  /** A process in the program's network namespace. Returns undefined if it does not run or the agent cannot see it. */
  async #processOf(
    id: string,
    inspected: Inspected & { State: { Pid: number; Running: boolean } },
  ): Promise<number | undefined> {
    const { Pid, Running } = inspected.State;
    if (!Running || Pid === 0) return undefined;
    const endpoints = await this.#adopted(id, inspected);
    // If the agent does not see the engine's processes, the PID is that of another process, or unused.
    return endpoints && hasAddress(endpoints.local.host, Pid) ? Pid : undefined;
  }

  /** Whether a start has failed because the holder of its sandbox does not run. */
  #hasLostHolder(id: string, message: string): boolean {
    const holder = this.#links.of(id)?.holder;
    return holder !== undefined && message.includes(holder);
  }

  /** The endpoints of a program that runs, whose link is known from now on. Returns undefined if it has lost its network. */
  async #adopted(id: string, inspected: Inspected): Promise<Endpoints | undefined> {
    const holder = holderOf(inspected.HostConfig.NetworkMode);
    const endpoints = endpointsOf(this.#options, inspected);
    if (holder === undefined) {
      this.#links.keepAddress(id, endpoints.local.host);
      return endpoints;
    }
    const link = await this.#links.keepSandbox(id, holder);
    return link && { local: { ...endpoints.local, host: link.address }, network: link.published };
  }

  /** Returns undefined if the program runs already. */
  async #createContainer(program: Program, link: Link): Promise<EngineContainer | undefined> {
    const options = containerOptions(this.#options, program, link);
    try {
      return await this.#docker.createContainer(options);
    } catch (error) {
      if (isConflict(error)) {
        if (await this.#keeps(program)) return undefined;
      } else if (isMissingNetwork(messageOf(error))) await this.#network.createAgain(this.#options.subnet);
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
        if (!(await this.#adopted(id, inspected))) throw new RuntimeError(SEVERED);
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

/** The stop signal of a container, which is its image's if its spec named none. The client's types do not have it. */
async function stopSignalOf(container: EngineContainer): Promise<string> {
  const { Config } = await container.inspect();
  return (Config as { StopSignal?: string }).StopSignal || STOP_SIGNAL;
}
