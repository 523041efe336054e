/** The six services of a constellation on one machine, with the variables of each. Used by `up` and the tests' cluster. */
import { join } from 'node:path';
import type { Ports } from './ports.ts';

export const SERVICES = ['scheduler', 'agent', 'proxy', 'gateway', 'dns', 'certificates'] as const;
export type ServiceName = (typeof SERVICES)[number];

/** Every service but the agent. */
export const CONTROL_PLANE = SERVICES.filter((service) => service !== 'agent');

/** The entrances first; last the agent, which owns the containers. */
export const STOP_ORDER: readonly ServiceName[] = [
  'gateway',
  'scheduler',
  'proxy',
  'dns',
  'certificates',
  'agent',
];

export type Variables = Record<string, string>;

export interface Constellation {
  cluster: string;
  clusterDomain: string;
  bindAddress: string;
  redisUrl: string;
  /** Its Redis was started for it, so an empty one is new and has lost nothing. */
  ownRedis: boolean;
  natsUrl: string;
  /** `host:port`, or any other target that gRPC resolves. */
  schedulerAddress: string;
  certificatesAddress: string;
  /** The gRPC address of dns, for setting challenges. `dnsAddress` is where its answers are checked. */
  dnsGrpcAddress: string;
  dnsAddress: string;
  /** The id of the agent's drone, for the proxy beside it too. */
  droneId: string;
  runtime: { kind: 'docker'; socket: string } | { kind: 'process'; programs: string };
  /** The directory of the agent's journal. */
  agentDir: string;
  /** The file of the cluster's secret; undefined if the secret is set in another way or not at all. */
  clusterSecretFile?: string;
  /** The directory of the certificate service's own authority and account. */
  certificatesDir: string;
  https: boolean;
  redirectToHttps: boolean;
  /** As SPAWNER_PROXY_ACCESS_LOG; off by default. */
  accessLog?: string;
  /** The proxy's port in the URLs of backends. */
  urlPort: number;
}

/** Everything that a service other than the agent needs. */
export type ControlPlane = Omit<Constellation, 'runtime'>;

/** The environment of one service: shared variables, its own, and its ports. */
export function serviceVariables(service: ServiceName, all: Constellation, ports: Partial<Ports>): Variables;
export function serviceVariables(
  service: Exclude<ServiceName, 'agent'>,
  all: ControlPlane,
  ports: Partial<Ports>,
): Variables;
export function serviceVariables(
  service: ServiceName,
  constellation: ControlPlane,
  ports: Partial<Ports>,
): Variables {
  const prefix = `SPAWNER_${service.toUpperCase()}_`;
  const own = Object.entries(ports).filter(([variable]) => variable.startsWith(prefix));
  return {
    SPAWNER_CLUSTER: constellation.cluster,
    SPAWNER_CLUSTER_DOMAIN: constellation.clusterDomain,
    SPAWNER_BIND_ADDRESS: constellation.bindAddress,
    SPAWNER_REDIS_URL: constellation.redisUrl,
    SPAWNER_NATS_URL: constellation.natsUrl,
    // It has the scheduler's own prefix, under which the scheduler refuses unknown variables.
    SPAWNER_SCHEDULER_ADDRESS: constellation.schedulerAddress,
    // Only the agent's reads the runtime, and the agent gets a whole constellation.
    ...OWN[service](constellation as Constellation),
    ...Object.fromEntries(own.map(([variable, port]) => [variable, String(port)])),
  };
}

const OWN: Record<ServiceName, (constellation: Constellation) => Variables> = {
  scheduler: ({ ownRedis, clusterSecretFile: file }) => {
    const variables: Variables = {};
    if (ownRedis) variables.SPAWNER_SCHEDULER_EMPTY_STORE = 'new';
    if (file) variables.SPAWNER_CLUSTER_SECRET_FILE = file;
    return variables;
  },
  agent: ({ droneId, runtime, agentDir }) => ({
    SPAWNER_AGENT_DRONE_ID: droneId,
    SPAWNER_AGENT_STATE_DIR: agentDir,
    SPAWNER_AGENT_RUNTIME: runtime.kind,
    ...(runtime.kind === 'docker'
      ? { SPAWNER_AGENT_DOCKER_SOCKET: runtime.socket }
      : { SPAWNER_AGENT_PROGRAMS_DIR: runtime.programs }),
  }),
  proxy: ({ droneId, certificatesAddress, https, redirectToHttps, accessLog = 'off' }) => ({
    SPAWNER_PROXY_CERTIFICATES_ADDRESS: certificatesAddress,
    SPAWNER_PROXY_DRONE_ID: droneId,
    SPAWNER_PROXY_PUBLIC_ADDRESSES: '127.0.0.1',
    SPAWNER_PROXY_HTTPS: String(https),
    SPAWNER_PROXY_REDIRECT_TO_HTTPS: String(redirectToHttps),
    SPAWNER_PROXY_ACCESS_LOG: accessLog,
  }),
  gateway: ({ urlPort }) => ({ SPAWNER_GATEWAY_URL_PORT: String(urlPort) }),
  dns: () => ({}),
  certificates: ({ certificatesDir, dnsGrpcAddress, dnsAddress }) => ({
    SPAWNER_CERTIFICATES_ISSUER: 'local',
    SPAWNER_CERTIFICATES_STATE_DIR: certificatesDir,
    SPAWNER_CERTIFICATES_DNS_ADDRESSES: dnsGrpcAddress,
    SPAWNER_CERTIFICATES_DNS_RESOLVERS: dnsAddress,
  }),
};

/** The program of a service. */
export function serviceEntry(root: string, service: ServiceName): string {
  return join(root, 'services', service, 'src', 'main.ts');
}
