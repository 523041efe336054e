import { SPEC_DEFAULTS } from '@spawner/domain';
import type { Endpoint } from '@spawner/proto/internal/backend_status';
import { identity } from '../identity-variables.ts';
import type { Program } from '../runtime.ts';

/** How this drone's containers are recognised, and what each is made of. Pure. */
export interface ContainerSettings {
  readonly cluster: string;
  readonly droneId: string;
  readonly network: string;
  /** The engine's runtime, such as runsc; empty for its default. */
  readonly engineRuntime: string;
  /** Publish the port here, on a free port; empty for not at all. */
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

/** The label filter that finds this drone's containers and no other's. */
export function ours({ cluster, droneId }: ContainerSettings): string[] {
  return [`${LABELS.managed}=true`, `${LABELS.cluster}=${cluster}`, `${LABELS.drone}=${droneId}`];
}

export function containerName(id: string): string {
  return `spawner-${id}`;
}

/** An image reference that names one image: without a tag the engine would pull all of them. */
export function imageReference(image: string): string {
  return /@|:[^/]+$/.test(image) ? image : `${image}:latest`;
}

/** The body of the engine's ContainerCreate for a program at an address of the home's network. */
export function containerOptions(home: ContainerSettings, program: Program, address: string) {
  const { id, placement, spec } = program;
  const port = spec.port ?? SPEC_DEFAULTS.port;
  const { cpuMillis = 0, memoryBytes = 0, pids = 0 } = spec.resources ?? {};
  const userLabels = Object.entries(spec.labels).map(([name, value]) => [`dev.spawner.label.${name}`, value]);
  const labels: Record<string, string> = {
    ...Object.fromEntries(userLabels),
    [LABELS.managed]: 'true',
    [LABELS.cluster]: home.cluster,
    [LABELS.drone]: home.droneId,
    [LABELS.backend]: id,
    [LABELS.placement]: String(placement),
    [LABELS.port]: String(port),
  };
  const published = home.publishAddress === '' ? [] : [{ HostIp: home.publishAddress, HostPort: '' }];
  return {
    name: containerName(id),
    Image: imageReference(spec.image),
    Entrypoint: spec.command.length > 0 ? [...spec.command] : undefined,
    Cmd: spec.args.length > 0 ? [...spec.args] : undefined,
    Env: Object.entries({ ...spec.env, PORT: String(port), ...identity(program) }).map(
      ([name, value]) => `${name}=${value}`,
    ),
    Labels: labels,
    StopSignal: spec.stopSignal || 'SIGTERM',
    ExposedPorts: { [`${port}/tcp`]: {} },
    HostConfig: {
      NetworkMode: home.network,
      PortBindings: published.length > 0 ? { [`${port}/tcp`]: published } : undefined,
      Init: true,
      NanoCpus: cpuMillis * 1_000_000,
      Memory: memoryBytes,
      // The same as the memory: no swap beyond it.
      MemorySwap: memoryBytes,
      PidsLimit: pids > 0 ? pids : undefined,
      SecurityOpt: ['no-new-privileges'],
      Runtime: home.engineRuntime === '' ? undefined : home.engineRuntime,
      RestartPolicy: { Name: 'no' },
      LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '2' } },
    },
    NetworkingConfig: { EndpointsConfig: { [home.network]: { IPAMConfig: { IPv4Address: address } } } },
  };
}

/** The part of the engine's ContainerInspect that tells where a program listens. */
export interface Inspected {
  readonly Config: { readonly Labels: Readonly<Record<string, string>> };
  readonly NetworkSettings: {
    readonly Ports: Readonly<Record<string, readonly { HostIp: string; HostPort: string }[] | null>>;
    readonly Networks: Readonly<Record<string, { readonly IPAddress: string }>>;
  };
}

/** Where an inspected container is reached. */
export function endpointsOf(
  { network }: ContainerSettings,
  { Config, NetworkSettings }: Inspected,
): { local: Endpoint; network?: Endpoint } {
  const port = Number(Config.Labels[LABELS.port] ?? SPEC_DEFAULTS.port);
  const host = NetworkSettings.Networks[network]?.IPAddress ?? '';
  const published = NetworkSettings.Ports[`${port}/tcp`]?.[0];
  return {
    local: { host, port },
    network: published && { host: published.HostIp, port: Number(published.HostPort) },
  };
}
