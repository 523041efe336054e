import { randomBytes } from 'node:crypto';
import { SPEC_DEFAULTS } from '@spawner/domain';
import type { Endpoint } from '@spawner/proto/internal/backend_status';
import type { Addresses } from '../../../network/addresses.ts';
import { isMissingNetwork } from '../../../network/bridge-network.ts';
import type { FoundSandbox, Sandbox, SandboxApi } from '../../../network/sandbox.ts';
import { jsonLines } from '../../json-lines.ts';
import {
  type ContainerSettings,
  endpointsOf,
  holderOf,
  LABELS,
  networkHostOptions,
  networkOptions,
  ours,
} from '../container-spec.ts';
import type { Engine } from '../engine.ts';
import { engineCall, messageOf, statusOf, unlessMissing } from '../errors.ts';
import type { DroneNetwork } from './drone-network.ts';
import { holderProgram, tarOf } from './holder-program.ts';

const REPOSITORY = 'spawner/holder';
/** Changes with the program. */
const TAG = '1';
const PROGRAM = 'holder';
/** A page is enough for the program, but the container runtime starts within this limit too. */
const MEMORY_BYTES = 64 * 1024 * 1024;
const PIDS = 4;
const TRIES = 4;

interface HoldersParts {
  readonly docker: Engine;
  readonly settings: ContainerSettings & { readonly subnet: string };
  readonly network: DroneNetwork;
  readonly addresses: Addresses;
}

/** Sandboxes in the engine: containers of a tiny program that wait on the drone's network. */
export class Holders implements SandboxApi {
  readonly #parts: HoldersParts;

  constructor(parts: HoldersParts) {
    this.#parts = parts;
  }

  async make(): Promise<Sandbox | undefined> {
    for (let tries = 1; ; tries++) {
      const address = this.#parts.addresses.allocateAhead();
      if (!address) return undefined;
      try {
        const id = await this.#run(address);
        return { id, address, published: await this.#published(id) };
      } catch (error) {
        // An address that another container has rests like our own.
        this.#parts.addresses.release(address);
        if (tries === TRIES || !(await this.#isRepaired(error))) throw error;
      }
    }
  }

  async remove({ id, address }: Sandbox): Promise<void> {
    await unlessMissing(this.#parts.docker.getContainer(id).remove({ force: true, v: true }));
    this.#parts.addresses.release(address);
  }

  async list(): Promise<FoundSandbox[]> {
    const { docker, settings } = this.#parts;
    const all = await docker.listContainers({ all: true, filters: { label: ours(settings) } });
    const joinedBy = new Map(
      all.map(({ HostConfig, Labels }) => [holderOf(HostConfig.NetworkMode), Labels[LABELS.backend]]),
    );
    return all
      .filter(({ Labels }) => Labels[LABELS.sandbox] !== undefined)
      .map(({ Id: id, State, NetworkSettings: { Networks }, Ports }) => {
        const endpoint = Networks[settings.network];
        // A holder that has ended has only the address that it asked for, which has to rest too.
        const address = endpoint?.IPAddress || endpoint?.IPAMConfig?.IPv4Address || '';
        const port = Ports?.find(({ PublicPort }) => PublicPort);
        const published = port && { host: port.IP, port: port.PublicPort };
        const current = (published?.host ?? '') === settings.publishAddress;
        const usable = State === 'running' && endpoint?.IPAddress === address && address !== '';
        return { id, address, published, usable, current, joinedBy: joinedBy.get(id) };
      });
  }

  adopt({ address }: Sandbox): void {
    if (address !== '') this.#parts.addresses.use(address);
  }

  async #run(address: string): Promise<string> {
    const container = await this.#parts.docker.createContainer(holderOptions(this.#parts.settings, address));
    try {
      await container.start();
      return container.id;
    } catch (error) {
      // If this fails too, the next look finds a holder that does not run.
      await container.remove({ force: true, v: true }).catch(() => {});
      throw error;
    }
  }

  /** Asks the engine only if there is anything to know. */
  async #published(id: string): Promise<Endpoint | undefined> {
    const { docker, settings } = this.#parts;
    if (settings.publishAddress === '') return undefined;
    return endpointsOf(settings, await docker.getContainer(id).inspect()).network;
  }

  /** Removes the cause of a refusal, if it is a known one. */
  async #isRepaired(error: unknown): Promise<boolean> {
    const message = messageOf(error);
    if (/address already in use/i.test(message)) return true;
    if (isMissingNetwork(message)) await this.#parts.network.createAgain(this.#parts.settings.subnet);
    else if (statusOf(error) === 404) await this.#importImage();
    else return false;
    return true;
  }

  /** The engine has the image until it is pruned. */
  async #importImage(): Promise<void> {
    const { docker } = this.#parts;
    const { Arch } = await docker.version();
    const program = holderProgram(Arch);
    if (!program)
      throw new Error(`no holder program for the architecture ${Arch}; set SPAWNER_AGENT_SANDBOXES=0`);
    const call: Promise<NodeJS.ReadableStream> = engineCall(
      docker.importImage(tarOf(PROGRAM, program) as never, { repo: REPOSITORY, tag: TAG }),
    );
    for await (const line of jsonLines<{ error?: string }>(await call, new AbortController().signal))
      if (line.error) throw new Error(line.error);
  }
}

/** The body of the engine's ContainerCreate for a holder. It belongs to no backend. */
export function holderOptions(settings: ContainerSettings, address: string) {
  const { cluster, droneId } = settings;
  return {
    name: `spawner-sandbox-${randomBytes(8).toString('hex')}`,
    Image: `${REPOSITORY}:${TAG}`,
    Entrypoint: [`/${PROGRAM}`],
    // Process 1 ignores other signals, and an engine that stops would wait for it.
    StopSignal: 'SIGKILL',
    Labels: {
      [LABELS.managed]: 'true',
      [LABELS.cluster]: cluster,
      [LABELS.drone]: droneId,
      [LABELS.sandbox]: 'true',
    },
    ...networkOptions(settings, SPEC_DEFAULTS.port, { address }),
    HostConfig: {
      ...networkHostOptions(settings, SPEC_DEFAULTS.port, { address }),
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      PidsLimit: PIDS,
      Memory: MEMORY_BYTES,
      MemorySwap: MEMORY_BYTES,
      RestartPolicy: { Name: 'no' },
      LogConfig: { Type: 'none', Config: {} },
    },
  };
}
