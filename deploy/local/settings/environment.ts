/** The constellation that this `up` starts, decided from its environment before anything is started. */
import type { Place } from '../claim/place.ts';
import type { Runtime } from '../parts/runtime.ts';
import type { Ports } from './ports.ts';
import type { ControlPlane, Variables } from './services.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Addresses {
  /** The address of the HTTP API and of the dashboard. */
  api: string;
  grpc: string;
  scheduler: string;
  certificates: string;
  proxyHttp: string;
  proxyHttps: string;
  dns: string;
  dnsGrpc: string;
}

/** The drain time of services, unless the environment sets it. */
const DRAIN_MS = '3000';

/** The host by which a listener on `bindAddress` is reached. */
export function reachableHost(bindAddress: string): string {
  if (['', '0.0.0.0', '::'].includes(bindAddress)) return '127.0.0.1';
  return bindAddress.includes(':') ? `[${bindAddress}]` : bindAddress;
}

/** The host of the admin ports, which may listen elsewhere. */
export function adminHost(bindAddress: string, env: Environment): string {
  return reachableHost(env.SPAWNER_ADMIN_BIND_ADDRESS || bindAddress);
}

export function addressesOf(bindAddress: string, ports: Ports): Addresses {
  const host = reachableHost(bindAddress);
  return {
    api: `http://${host}:${ports.SPAWNER_GATEWAY_HTTP_PORT}`,
    grpc: `${host}:${ports.SPAWNER_GATEWAY_GRPC_PORT}`,
    scheduler: `${host}:${ports.SPAWNER_SCHEDULER_PORT}`,
    certificates: `${host}:${ports.SPAWNER_CERTIFICATES_PORT}`,
    proxyHttp: `http://${host}:${ports.SPAWNER_PROXY_HTTP_PORT}`,
    proxyHttps: `https://${host}:${ports.SPAWNER_PROXY_HTTPS_PORT}`,
    dns: `${host}:${ports.SPAWNER_DNS_PORT}`,
    dnsGrpc: `${host}:${ports.SPAWNER_DNS_GRPC_PORT}`,
  };
}

export interface Found {
  redisUrl: string;
  natsUrl: string;
  /** Only the agent needs it, so the other services need not wait until it is found. */
  runtime?: Runtime;
}

/** One drone and one of each service. Plain HTTP works at once, beside HTTPS. */
export function constellationOf<F extends Found>(
  place: Place,
  env: Environment,
  ports: Ports,
  found: F,
): ControlPlane & F {
  const bindAddress = env.SPAWNER_BIND_ADDRESS || '127.0.0.1';
  const addresses = addressesOf(bindAddress, ports);
  return {
    ...found,
    ownRedis: !env.SPAWNER_REDIS_URL,
    cluster: clusterOf(place, env),
    clusterDomain: env.SPAWNER_CLUSTER_DOMAIN || 'spawner.localhost',
    bindAddress,
    schedulerAddress: addresses.scheduler,
    certificatesAddress: addresses.certificates,
    dnsGrpcAddress: addresses.dnsGrpc,
    dnsAddress: addresses.dns,
    droneId: env.SPAWNER_AGENT_DRONE_ID || 'local',
    agentDir: place.agent,
    // The user's own secret takes precedence; a service refuses two.
    ...(env.SPAWNER_CLUSTER_SECRET ? {} : { clusterSecretFile: place.clusterSecretFile }),
    certificatesDir: place.certificates,
    https: true,
    redirectToHttps: false,
    accessLog: 'all',
    urlPort: ports.SPAWNER_PROXY_HTTP_PORT,
  };
}

/** A cluster per checkout: two of them may share a Docker Engine and a Redis. */
export function clusterOf(place: Place, env: Environment): string {
  return env.SPAWNER_CLUSTER || `local-${place.mark}`;
}

/** A service's whole environment: our variables, overridden by the user's, except for the runtime, which is decided by now. */
export function childEnvironment(ours: Variables, env: Environment): Environment {
  const { SPAWNER_AGENT_RUNTIME: _settled, ...theirs } = env;
  const drain = Object.keys(ours)
    .map((name) => /^SPAWNER_[A-Z]+_(?=ADMIN_PORT$)/.exec(name)?.[0])
    .filter((prefix) => prefix !== undefined)
    .map((prefix) => [`${prefix}DRAIN_MS`, DRAIN_MS]);
  const set = Object.entries(theirs).filter(([, value]) => value !== undefined && value !== '');
  return { ...ours, ...Object.fromEntries(drain), ...Object.fromEntries(set) };
}
