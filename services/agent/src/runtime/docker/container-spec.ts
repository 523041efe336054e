import { SPEC_DEFAULTS } from '@spawner/domain';
import type { BackendSpec } from '@spawner/proto/v1/backend';
import { type Endpoints, identityVariables, type Program } from '../runtime.ts';
import type { Link } from './network/links.ts';

/** The settings that all containers of this drone share. */
export interface ContainerSettings {
  readonly cluster: string;
  readonly droneId: string;
  readonly network: string;
  /** The engine's container runtime, such as runsc. Empty for the default. */
  readonly engineRuntime: string;
  /** The address to publish ports on. Empty for none. */
  readonly publishAddress: string;
}

export const LABELS = {
  managed: 'dev.spawner.managed',
  cluster: 'dev.spawner.cluster',
  drone: 'dev.spawner.drone',
  backend: 'dev.spawner.backend',
  placement: 'dev.spawner.placement',
  port: 'dev.spawner.port',
  /** Only the holders of sandboxes have it. They have no backend. */
  sandbox: 'dev.spawner.sandbox',
} as const;

/**
 * The engine's init passes signals on to the program's whole process group, as the process runtime does. Otherwise a shell
 * that is the entry point would get them alone.
 */
const TO_THE_GROUP = { TINI_KILL_PROCESS_GROUP: '1' };

/** The label filter that matches this drone's containers and no others. */
export function ours({ cluster, droneId }: ContainerSettings): string[] {
  return [`${LABELS.managed}=true`, `${LABELS.cluster}=${cluster}`, `${LABELS.drone}=${droneId}`];
}

export function containerName(id: string): string {
  return `spawner-${id}`;
}

/** An image reference with a tag. Without one the engine would pull every tag. */
export function imageReference(image: string): string {
  return /@|:[^/]+$/.test(image) ? image : `${image}:latest`;
}

const JOINED = 'container:';

/** The holder whose network a container with this network mode has joined. */
export function holderOf(networkMode: string | undefined): string | undefined {
  return networkMode?.startsWith(JOINED) ? networkMode.slice(JOINED.length) : undefined;
}

/** Whether containers can join sandboxes. Another container runtime may need a network namespace of its own. */
export function hasSandboxes({ engineRuntime }: ContainerSettings): boolean {
  return engineRuntime === '';
}

/** Whether a program can start in a sandbox. Its holder is made before the spec is known, and publishes the usual port. */
export function canJoin(
  settings: ContainerSettings,
  { port = SPEC_DEFAULTS.port }: Pick<BackendSpec, 'port'>,
): boolean {
  return hasSandboxes(settings) && (settings.publishAddress === '' || port === SPEC_DEFAULTS.port);
}

/** The body of the engine's ContainerCreate for a program with this link to the drone's network. */
export function containerOptions(settings: ContainerSettings, program: Program, link: Link) {
  const { id, placement, spec } = program;
  const port = spec.port ?? SPEC_DEFAULTS.port;
  const { cpuMillis = 0, memoryBytes = 0, pids = 0 } = spec.resources ?? {};
  const userLabels = Object.entries(spec.labels).map(([name, value]) => [`dev.spawner.label.${name}`, value]);
  const labels: Record<string, string> = {
    ...Object.fromEntries(userLabels),
    [LABELS.managed]: 'true',
    [LABELS.cluster]: settings.cluster,
    [LABELS.drone]: settings.droneId,
    [LABELS.backend]: id,
    [LABELS.placement]: String(placement),
    [LABELS.port]: String(port),
  };
  const env = { ...TO_THE_GROUP, ...spec.env, PORT: String(port), ...identityVariables(program) };
  return {
    name: containerName(id),
    Image: imageReference(spec.image),
    Entrypoint: spec.command.length > 0 ? [...spec.command] : undefined,
    Cmd: spec.args.length > 0 ? [...spec.args] : undefined,
    Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    Labels: labels,
    // By default the image's own.
    StopSignal: spec.stopSignal || undefined,
    ...networkOptions(settings, port, link),
    HostConfig: {
      ...networkHostOptions(settings, port, link),
      Init: true,
      NanoCpus: cpuMillis * 1_000_000,
      Memory: memoryBytes,
      // The sum of memory and swap, so no swap at all.
      MemorySwap: memoryBytes,
      PidsLimit: pids > 0 ? pids : undefined,
      SecurityOpt: ['no-new-privileges'],
      Runtime: settings.engineRuntime === '' ? undefined : settings.engineRuntime,
      RestartPolicy: { Name: 'no' },
      LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '2' } },
    },
  };
}

/** The engine refuses ports for a container that joins another's network. */
export function networkOptions({ network }: ContainerSettings, port: number, { address, holder }: Link) {
  if (holder) return {};
  return {
    ExposedPorts: { [`${port}/tcp`]: {} },
    NetworkingConfig: { EndpointsConfig: { [network]: { IPAMConfig: { IPv4Address: address } } } },
  };
}

export function networkHostOptions(
  { network, publishAddress }: ContainerSettings,
  port: number,
  { holder }: Link,
) {
  if (holder) return { NetworkMode: `${JOINED}${holder}` };
  const published = { [`${port}/tcp`]: [{ HostIp: publishAddress, HostPort: '' }] };
  return { NetworkMode: network, PortBindings: publishAddress ? published : undefined };
}

/** The part of the engine's ContainerInspect that has a program's endpoints. */
export interface Inspected {
  readonly Config: { readonly Labels: Readonly<Record<string, string>> };
  readonly HostConfig: { readonly NetworkMode?: string };
  readonly NetworkSettings: {
    readonly Ports: Readonly<Record<string, readonly { HostIp: string; HostPort: string }[] | null>>;
    readonly Networks: Readonly<Record<string, { readonly IPAddress: string }>>;
  };
}

/** The endpoints of an inspected container. */
export function endpointsOf(
  { network }: ContainerSettings,
  inspected: Omit<Inspected, 'HostConfig'>,
): Endpoints {
  const { Config, NetworkSettings } = inspected;
  const port = Number(Config.Labels[LABELS.port] ?? SPEC_DEFAULTS.port);
  const host = NetworkSettings.Networks[network]?.IPAddress ?? '';
  const published = NetworkSettings.Ports[`${port}/tcp`]?.[0];
  return {
    local: { host, port },
    network: published && { host: published.HostIp, port: Number(published.HostPort) },
  };
}
