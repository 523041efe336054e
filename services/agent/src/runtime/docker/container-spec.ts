import { SPEC_DEFAULTS } from '@spawner/domain';
import { type Endpoints, identityVariables, type Program } from '../runtime.ts';

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
} as const;

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

/** The body of the engine's ContainerCreate for a program at an address of the drone's network. */
export function containerOptions(settings: ContainerSettings, program: Program, address: string) {
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
  const env = { ...spec.env, PORT: String(port), ...identityVariables(program) };
  const { publishAddress } = settings;
  return {
    name: containerName(id),
    Image: imageReference(spec.image),
    Entrypoint: spec.command.length > 0 ? [...spec.command] : undefined,
    Cmd: spec.args.length > 0 ? [...spec.args] : undefined,
    Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    Labels: labels,
    StopSignal: spec.stopSignal || 'SIGTERM',
    ExposedPorts: { [`${port}/tcp`]: {} },
    HostConfig: {
      NetworkMode: settings.network,
      PortBindings: publishAddress
        ? { [`${port}/tcp`]: [{ HostIp: publishAddress, HostPort: '' }] }
        : undefined,
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
    NetworkingConfig: { EndpointsConfig: { [settings.network]: { IPAMConfig: { IPv4Address: address } } } },
  };
}

/** The part of the engine's ContainerInspect that has a program's endpoints. */
export interface Inspected {
  readonly Config: { readonly Labels: Readonly<Record<string, string>> };
  readonly NetworkSettings: {
    readonly Ports: Readonly<Record<string, readonly { HostIp: string; HostPort: string }[] | null>>;
    readonly Networks: Readonly<Record<string, { readonly IPAddress: string }>>;
  };
}

/** The endpoints of an inspected container. */
export function endpointsOf({ network }: ContainerSettings, inspected: Inspected): Endpoints {
  const { Config, NetworkSettings } = inspected;
  const port = Number(Config.Labels[LABELS.port] ?? SPEC_DEFAULTS.port);
  const host = NetworkSettings.Networks[network]?.IPAddress ?? '';
  const published = NetworkSettings.Ports[`${port}/tcp`]?.[0];
  return {
    local: { host, port },
    network: published && { host: published.HostIp, port: Number(published.HostPort) },
  };
}
