/**
 * A whole constellation for end-to-end tests: real programs, real Redis and NATS, Docker or plain processes, all on
 * free ports. The services get their variables from the same place as for `npm run up`.
 */
import { randomBytes } from 'node:crypto';
import { Resolver } from 'node:dns/promises';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Docker,
  eventually,
  type Nats,
  type NetworkNamespace,
  PATIENCE,
  type Redis,
  request,
  startDocker,
  startNats,
  startRedis,
  tempDir,
} from '@spawner/testkit';
import { keepClusterSecret } from '../../deploy/local/claim/cluster-secret.ts';
import { removeLabelled } from '../../deploy/local/parts/docker.ts';
import { listsReadyDrone } from '../../deploy/local/parts/readiness.ts';
import { backendProcess, endProcessBackends } from '../../deploy/local/processes/process-backends.ts';
import type { ProcessRef } from '../../deploy/local/processes/process-ref.ts';
import {
  type Constellation,
  SERVICES,
  type ServiceName,
  STOP_ORDER,
  serviceVariables,
  type Variables,
} from '../../deploy/local/settings/services.ts';
import { type Api, apiOf, edgeOf } from './api.ts';
import { givePorts, provideImages } from './provision.ts';
import { type ServiceHandle, type ServicePorts, startService } from './service-process.ts';

export type { Api, ApiAnswer, BackendJson } from './api.ts';
export type { ServiceHandle } from './service-process.ts';

/** A machine of its own, with an engine of its own. */
export interface Machine {
  namespace: NetworkNamespace;
  docker: Docker;
}

export interface ClusterOptions {
  /** Default: docker. */
  runtime?: 'docker' | 'process';
  /** The engine of the drones, which stays its owner's; default: the usual one of tests. */
  docker?: Docker;
  /** Where the last agent and the last proxy run; it stays its owner's. The other services are then on this side of its wire. */
  machine?: Machine;
  /** Whether Redis comes back with what it had when it is stopped; default: no. */
  redisKeeps?: boolean;
  /** Images that can be spawned, by their name in the catalogue; default: the probe. */
  images?: string[];
  /** How many of each service; default: one. Agent n has drone id `drone-n`, and so has proxy n (proxies beyond the last drone begin again). */
  count?: Partial<Record<ServiceName, number>>;
  /** More variables per service, over those that it gets anyway. */
  env?: Partial<Record<ServiceName, Variables>>;
  https?: boolean;
  redirectToHttps?: boolean;
  /** Variables of the certificates service for an ACME server instead of its own local authority. */
  acme?: Variables;
  clusterDomain?: string;
}

export interface Cluster extends Api, ReturnType<typeof edgeOf>, AsyncDisposable {
  name: string;
  domain: string;
  redis: Redis;
  nats: Nats;
  dockerSocket: string | undefined;
  /** Folder of the certificates service; `ca.pem` of the local authority lies in it. */
  certificatesDir: string;
  /** `host:port` of the first gateway's gRPC. */
  grpcAddress: string;
  /** Every service, by kind, in the order of its number. */
  services: Record<ServiceName, ServiceHandle[]>;
  gateway: ServiceHandle;
  scheduler: ServiceHandle;
  agent: ServiceHandle;
  proxy: ServiceHandle;
  dns: ServiceHandle;
  certificates: ServiceHandle;
  /** The API of gateway n (0 is the first). */
  apiOf(gateway: number): Api;
  /** The present processes of every service, the store and the bus. */
  pids(): number[];
  /** The living process of a backend of the process runtime. */
  processOf(id: string): ProcessRef | undefined;
  /** The last lines of every service's log. */
  logs(lines?: number): string;
  stop(): Promise<void>;
}

const DRAIN_MS = '2000';

/** Resolves when every service is ready, every drone takes work and DNS names the proxies; rejects with the end of each log. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const stack = new AsyncDisposableStack();
  try {
    return await build(options, stack);
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

async function build(options: ClusterOptions, stack: AsyncDisposableStack): Promise<Cluster> {
  const name = `test-${randomBytes(4).toString('hex')}`;
  const domain = options.clusterDomain ?? 'spawner.localhost';
  const dir = stack.use(await tempDir('cluster'));
  const { machine } = options;
  const address = machine?.namespace.hostAddress ?? '127.0.0.1';
  const docker =
    options.runtime === 'process' ? undefined : (options.docker ?? stack.use(await startDocker()));
  const images = options.images ?? ['probe'];
  const runtime = await provideImages(images, docker, join(dir.path, 'programs'));
  if (machine) await provideImages(images, machine.docker, join(dir.path, 'programs'));
  for (const engine of [docker, machine?.docker])
    if (engine)
      stack.defer(async () => void (await removeLabelled(engine.socketPath, `dev.spawner.cluster=${name}`)));
  const redis = stack.use(await startRedis({ keeps: options.redisKeeps, address: machine && address }));
  const nats = stack.use(await startNats({ address }));

  const portsOf = await givePorts(options.count);
  const first = (service: ServiceName) => portsOf[service][0]!;
  const schedulers = portsOf.scheduler.map((ports) => `${address}:${ports.SPAWNER_SCHEDULER_PORT}`);
  const clusterSecretFile = join(dir.path, 'cluster-secret');
  keepClusterSecret(clusterSecretFile);
  const shared: Omit<Constellation, 'droneId' | 'agentDir'> = {
    cluster: name,
    clusterDomain: domain,
    bindAddress: address,
    redisUrl: redis.url,
    ownRedis: true,
    natsUrl: nats.url,
    schedulerAddress: schedulers.length === 1 ? schedulers[0]! : `ipv4:${schedulers.join(',')}`,
    certificatesAddress: `${address}:${first('certificates').SPAWNER_CERTIFICATES_PORT}`,
    dnsGrpcAddress: `${address}:${first('dns').SPAWNER_DNS_GRPC_PORT}`,
    dnsAddress: `${address}:${first('dns').SPAWNER_DNS_PORT}`,
    runtime,
    clusterSecretFile,
    certificatesDir: join(dir.path, 'certificates'),
    https: options.https ?? false,
    redirectToHttps: options.redirectToHttps ?? false,
    urlPort: first('proxy').SPAWNER_PROXY_HTTP_PORT!,
  };
  const drones = portsOf.agent.length;
  const machineOf = (service: ServiceName, index: number) =>
    (service === 'agent' || service === 'proxy') && index === portsOf[service].length - 1
      ? machine
      : undefined;
  const variables = (service: ServiceName, index: number): Variables => {
    const droneId = `drone-${(index % drones) + 1}`;
    return {
      ...serviceVariables(
        service,
        { ...shared, droneId, agentDir: join(dir.path, droneId) },
        portsOf[service][index]!,
      ),
      [`SPAWNER_${service.toUpperCase()}_DRAIN_MS`]: DRAIN_MS,
      ...addressVariables(service, portsOf[service][index]!, machineOf(service, index), address),
      // Two drones of one engine would give out the same addresses of one network.
      ...(service === 'agent' ? { SPAWNER_AGENT_DOCKER_NETWORK: `spawner-${name}-${index + 1}` } : {}),
      // A proxy that comes back after a kill has the same id.
      ...(service === 'proxy' ? { SPAWNER_PROXY_ID: `proxy-${index + 1}` } : {}),
      ...(service === 'certificates' ? options.acme : {}),
      ...options.env?.[service],
    };
  };
  const services: Record<ServiceName, ServiceHandle[]> = {
    scheduler: [],
    agent: [],
    proxy: [],
    gateway: [],
    dns: [],
    certificates: [],
  };
  const all = () => SERVICES.flatMap((service) => services[service]);
  const logs = (lines = 30) =>
    all()
      .map((each) => tailOf(each, lines))
      .join('\n');
  const failed = (cause: unknown) => new Error(`${(cause as Error).message}\n${logs()}`, { cause });
  stack.defer(async () => {
    await keepLogs(all());
    for (const service of STOP_ORDER) await Promise.all(services[service].map((each) => each.stop()));
    for (let number = 1; number <= drones; number += 1) endProcessBackends(join(dir.path, `drone-${number}`));
  });
  for (const service of SERVICES)
    for (const [index, ports] of portsOf[service].entries())
      services[service].push(
        await startService({
          name: `${service}-${index + 1}`,
          service,
          address: machineOf(service, index)?.namespace.address ?? address,
          prefix: machineOf(service, index)?.namespace.prefix,
          ports,
          env: variables(service, index),
        }),
      );
  try {
    await Promise.all(all().map((each) => each.ready()));
    await Promise.all(services.gateway.map((gateway) => dronesReady(address, gateway.port, drones)));
    await Promise.all(services.dns.map((dns) => proxiesNamed(address, dns.port, domain)));
  } catch (error) {
    throw failed(error);
  }

  const gateway = services.gateway[0]!;
  const proxy = services.proxy[0]!;
  const stop = () => stack.disposeAsync();
  return {
    ...apiOf(gateway.port, failed, address),
    ...edgeOf(proxy.port, domain, address),
    name,
    domain,
    redis,
    nats,
    dockerSocket: docker?.socketPath,
    certificatesDir: shared.certificatesDir,
    grpcAddress: `${address}:${gateway.ports.SPAWNER_GATEWAY_GRPC_PORT}`,
    services,
    gateway,
    proxy,
    scheduler: services.scheduler[0]!,
    agent: services.agent[0]!,
    dns: services.dns[0]!,
    certificates: services.certificates[0]!,
    apiOf: (index) => apiOf(services.gateway[index]!.port, failed, address),
    processOf: (id) =>
      Array.from({ length: drones }, (_, index) =>
        backendProcess(join(dir.path, `drone-${index + 1}`), id),
      ).find((found) => found !== undefined),
    pids: () => [...all().map(({ pid }) => pid), redis.pid(), nats.pid()],
    logs,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function dronesReady(address: string, port: number, drones: number): Promise<void> {
  await eventually(
    async () => {
      const { status, body } = await request({ address, port, path: '/v1/drones' });
      const ids = Array.from({ length: drones }, (_, index) => `drone-${index + 1}`);
      if (status !== 200 || !ids.every((id) => listsReadyDrone(body, id)))
        throw new Error(`not every drone is ready: ${body}`);
    },
    { timeoutMs: PATIENCE.startMs },
  );
}

/** A DNS service that started before the proxies learns of them by its next renewal, and answers SERVFAIL until then. */
async function proxiesNamed(address: string, port: number, domain: string): Promise<void> {
  const resolver = new Resolver();
  resolver.setServers([`${address}:${port}`]);
  await eventually(() => resolver.resolve4(domain), { timeoutMs: PATIENCE.startMs });
}

/** The address at which a service listens and is found, and the engine of its machine. */
function addressVariables(
  service: ServiceName,
  ports: ServicePorts,
  machine: Machine | undefined,
  address: string,
): Variables {
  const own = machine?.namespace.address ?? address;
  return {
    SPAWNER_BIND_ADDRESS: own,
    ...(service === 'agent' ? { SPAWNER_AGENT_ADVERTISE_ADDRESS: `${own}:${ports.SPAWNER_AGENT_PORT}` } : {}),
    ...(service === 'agent' && machine ? { SPAWNER_AGENT_DOCKER_SOCKET: machine.docker.socketPath } : {}),
  };
}

function tailOf(handle: ServiceHandle, lines: number): string {
  return [`--- ${handle.name}`, ...handle.log().trimEnd().split('\n').slice(-lines)].join('\n');
}

/** Whole logs are kept where SPAWNER_TEST_LOGS names a folder. */
async function keepLogs(handles: ServiceHandle[]): Promise<void> {
  const folder = process.env.SPAWNER_TEST_LOGS;
  if (!folder) return;
  for (const handle of handles)
    await writeFile(join(folder, `${handle.name}-${handle.adminPort}.log`), handle.log());
}
