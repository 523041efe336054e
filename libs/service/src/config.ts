import { isDomain } from '@spawner/domain';
import { type Environment, EnvReader } from './env.ts';

/** Variables of every service that look like one service's own. */
const SHARED = new Set(['SPAWNER_SCHEDULER_ADDRESS']);

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
const isClusterName = (text: string) => /^[a-z0-9-]{1,63}$/.test(text);

/** The configuration that all services share. */
export interface SharedConfig {
  /** Names the cluster in Redis keys and container labels. */
  cluster: string;
  /** Backends are `<id>.<clusterDomain>`. */
  clusterDomain: string;
  logLevel: string;
  /** Address that listeners bind to. */
  bindAddress: string;
  /** Address of the admin port. Users must not reach it even if they reach `bindAddress`. */
  adminBindAddress: string;
  adminPort: number;
  /** The longest that shutting down may take. */
  drainMs: number;
}

/**
 * Reads a service's configuration: the shared part, then whatever `read` adds. `service` is the name in SPAWNER_<SERVICE>_….
 * Throws a ConfigError that lists every problem, among them variables under that prefix that nothing reads.
 */
export function readServiceConfig<T>(
  service: string,
  env: Environment,
  defaultAdminPort: number,
  read: (env: EnvReader, prefix: string) => T,
): SharedConfig & T {
  const reader = new EnvReader(env);
  const prefix = `SPAWNER_${service.toUpperCase()}_`;
  const bindAddress = reader.text('SPAWNER_BIND_ADDRESS', '127.0.0.1');
  const shared: SharedConfig = {
    cluster: reader.checked('SPAWNER_CLUSTER', 'local', isClusterName, 'of a-z, 0-9 and hyphens'),
    clusterDomain: reader.checked(
      'SPAWNER_CLUSTER_DOMAIN',
      'spawner.localhost',
      isDomain,
      'a lower-case domain name',
    ),
    logLevel: reader.oneOf('SPAWNER_LOG_LEVEL', LOG_LEVELS, 'info'),
    bindAddress,
    adminBindAddress: reader.text('SPAWNER_ADMIN_BIND_ADDRESS', bindAddress),
    adminPort: reader.port(`${prefix}ADMIN_PORT`, defaultAdminPort),
    drainMs: reader.integer(`${prefix}DRAIN_MS`, 10_000, { max: 86_400_000 }),
  };
  const own = read(reader, prefix);
  reader.finish(prefix, SHARED);
  return { ...shared, ...own };
}

/** The addresses of Redis, NATS and the scheduler, for the services that use them. */
export const sharedAddresses = {
  redisUrl: (env: EnvReader) => env.url('SPAWNER_REDIS_URL', 'redis://127.0.0.1:6379', ['redis', 'rediss']),
  natsUrl: (env: EnvReader) => env.url('SPAWNER_NATS_URL', 'nats://127.0.0.1:4222', ['nats', 'tls']),
  scheduler: (env: EnvReader) => env.text('SPAWNER_SCHEDULER_ADDRESS', '127.0.0.1:50052'),
};
