/** What this `up` is to bring about, decided from its environment before anything is started. */
import type { Place } from '../claim/place.ts';
import type { Runtime } from '../parts/runtime.ts';
import type { Ports } from './ports.ts';
import type { Constellation, Variables } from './services.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Addresses {
  /** Of the HTTP API, and of the page for browsers. */
  api: string;
  grpc: string;
  scheduler: string;
  certificates: string;
  proxyHttp: string;
  proxyHttps: string;
  dns: string;
  dnsGrpc: string;
}

/** Services that are told to stop take at most this long, unless the environment says otherwise. */
const DRAIN_MS = '3000';

/** Where one reaches what listens on `bindAddress`. */
export function reachableHost(bindAddress: string): string {
  if (['', '0.0.0.0', '::'].includes(bindAddress)) return '127.0.0.1';
  return bindAddress.includes(':') ? `[${bindAddress}]` : bindAddress;
}

/** Where one reaches the admin ports, which may listen elsewhere. */
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
  runtime: Runtime;
}

/** One drone and one of each service; plain HTTP works at once, HTTPS beside it. */
export function constellationOf(place: Place, env: Environment, ports: Ports, found: Found): Constellation {
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
    // One that the person set as text counts; both would be one too many.
    ...(env.SPAWNER_CLUSTER_SECRET ? {} : { clusterSecretFile: place.clusterSecretFile }),
    certificatesDir: place.certificates,
    https: true,
    redirectToHttps: false,
    urlPort: ports.SPAWNER_PROXY_HTTP_PORT,
  };
}

/** Its own per checkout: two of them may share one Docker Engine and one Redis. */
export function clusterOf(place: Place, env: Environment): string {
  return env.SPAWNER_CLUSTER || `local-${place.mark}`;
}

/** A service's whole environment: what we tell it, over which goes what the person set; the runtime has been settled. */
export function childEnvironment(ours: Variables, env: Environment): Environment {
  const { SPAWNER_AGENT_RUNTIME: _settled, ...theirs } = env;
  const drain = Object.keys(ours)
    .map((name) => /^SPAWNER_[A-Z]+_(?=ADMIN_PORT$)/.exec(name)?.[0])
    .filter((prefix) => prefix !== undefined)
    .map((prefix) => [`${prefix}DRAIN_MS`, DRAIN_MS]);
  const set = Object.entries(theirs).filter(([, value]) => value !== undefined && value !== '');
  return { ...ours, ...Object.fromEntries(drain), ...Object.fromEntries(set) };
}
