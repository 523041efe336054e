import { readFileSync } from 'node:fs';

/**
 * Environment to typed configuration, in one pure step that refuses garbage: every problem is
 * collected, a misspelt variable under the service's own prefix is one of them, and the error that
 * is thrown lists them all. Secrets may come from a file: `X_FILE` names it instead of `X`.
 */
export type Environment = Readonly<Record<string, string | undefined>>;

export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`configuration: ${problems.join('; ')}`);
    this.problems = problems;
  }
}

export class EnvReader {
  readonly #env: Environment;
  readonly #known = new Set<string>();
  readonly #problems: string[] = [];

  constructor(env: Environment) {
    this.#env = env;
  }

  /** A text, or its default. */
  text(name: string, fallback: string): string {
    return this.#take(name) ?? fallback;
  }

  /** A text that must be there. */
  required(name: string, meaning: string): string {
    const value = this.#take(name);
    if (value === undefined) this.problem(name, `is required: ${meaning}`);
    return value ?? '';
  }

  optional(name: string): string | undefined {
    return this.#take(name);
  }

  /** A secret, from the variable itself or from the file that `<name>_FILE` names. */
  secret(name: string): string | undefined {
    const file = this.#take(`${name}_FILE`);
    const value = this.#take(name);
    if (file === undefined) return value;
    if (value !== undefined) this.problem(name, `and ${name}_FILE are both set`);
    try {
      return readFileSync(file, 'utf8').trim();
    } catch {
      this.problem(`${name}_FILE`, `names a file that cannot be read: ${file}`);
      return undefined;
    }
  }

  integer(name: string, fallback: number, { min = 0, max = Number.MAX_SAFE_INTEGER } = {}): number {
    const text = this.#take(name);
    if (text === undefined) return fallback;
    const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    this.problem(name, `must be a whole number from ${min} to ${max}, not ${JSON.stringify(text)}`);
    return fallback;
  }

  /** A TCP or UDP port; 0 lets the system choose. */
  port(name: string, fallback: number): number {
    return this.integer(name, fallback, { min: 0, max: 65_535 });
  }

  flag(name: string, fallback: boolean): boolean {
    return this.oneOf(name, ['true', 'false'], fallback ? 'true' : 'false') === 'true';
  }

  oneOf<const T extends string>(name: string, allowed: readonly T[], fallback: NoInfer<T>): T {
    const text = this.#take(name);
    if (text === undefined) return fallback;
    const found = allowed.find((value) => value === text);
    if (found === undefined)
      this.problem(name, `must be one of ${allowed.join(', ')}, not ${JSON.stringify(text)}`);
    return found ?? fallback;
  }

  /** Comma-separated texts; empty ones are dropped. */
  list(name: string, fallback: readonly string[] = []): string[] {
    const text = this.#take(name);
    if (text === undefined) return [...fallback];
    return text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '');
  }

  /** A text that `accepts` likes; otherwise `must` says what it should be. */
  checked(name: string, fallback: string, accepts: (text: string) => boolean, must: string): string {
    const value = this.text(name, fallback);
    if (!accepts(value)) this.problem(name, `must be ${must}, not ${JSON.stringify(value)}`);
    return value;
  }

  url(name: string, fallback: string, protocols: readonly string[]): string {
    return this.checked(
      name,
      fallback,
      (text) => URL.canParse(text) && protocols.includes(new URL(text).protocol.slice(0, -1)),
      `a URL of ${protocols.join(' or ')}`,
    );
  }

  problem(name: string, what: string): void {
    this.#problems.push(`${name} ${what}`);
  }

  /** Throws every problem at once, unknown variables under `prefix` included. */
  finish(prefix: string): void {
    for (const name of Object.keys(this.#env))
      if (name.startsWith(prefix) && !this.#known.has(name) && !SHARED.has(name))
        this.problem(name, 'is not known');
    if (this.#problems.length > 0) throw new ConfigError(this.#problems);
  }

  #take(name: string): string | undefined {
    this.#known.add(name);
    const value = this.#env[name];
    return value === undefined || value === '' ? undefined : value;
  }
}

/** Told to all services alike, though it looks like one of the scheduler's own. */
const SHARED = new Set(['SPAWNER_SCHEDULER_ADDRESS']);

/** What every service is told. */
export interface SharedConfig {
  /** Names the cluster in Redis keys and container labels. */
  cluster: string;
  /** Backends are `<id>.<clusterDomain>`. */
  clusterDomain: string;
  logLevel: string;
  /** Address that listeners bind to. */
  bindAddress: string;
  /** Address that the admin port binds to; where users reach the others, this one should not be. */
  adminBindAddress: string;
  adminPort: number;
  /** How long shutting down may take. */
  drainMs: number;
}

/**
 * Reads a service's configuration: the shared part, what `read` adds, and the refusal of anything
 * misspelt. `service` is its name, as in SPAWNER_<SERVICE>_….
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
    cluster: reader.checked(
      'SPAWNER_CLUSTER',
      'local',
      (text) => /^[a-z0-9-]{1,63}$/.test(text),
      'of a-z, 0-9 and hyphens',
    ),
    clusterDomain: reader.checked(
      'SPAWNER_CLUSTER_DOMAIN',
      'spawner.localhost',
      isLowerCaseDomain,
      'a lower-case domain name',
    ),
    logLevel: reader.oneOf(
      'SPAWNER_LOG_LEVEL',
      ['trace', 'debug', 'info', 'warn', 'error', 'silent'],
      'info',
    ),
    bindAddress,
    adminBindAddress: reader.text('SPAWNER_ADMIN_BIND_ADDRESS', bindAddress),
    adminPort: reader.port(`${prefix}ADMIN_PORT`, defaultAdminPort),
    drainMs: reader.integer(`${prefix}DRAIN_MS`, 10_000, { max: 86_400_000 }),
  };
  const own = read(reader, prefix);
  reader.finish(prefix);
  return { ...shared, ...own };
}

function isLowerCaseDomain(text: string): boolean {
  return (
    text.length <= 190 && /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/.test(text)
  );
}

/** Where Redis, NATS and the scheduler are, for the services that talk to them. */
export const sharedAddresses = {
  redisUrl: (env: EnvReader) => env.url('SPAWNER_REDIS_URL', 'redis://127.0.0.1:6379', ['redis', 'rediss']),
  natsUrl: (env: EnvReader) => env.url('SPAWNER_NATS_URL', 'nats://127.0.0.1:4222', ['nats', 'tls']),
  scheduler: (env: EnvReader) => env.text('SPAWNER_SCHEDULER_ADDRESS', '127.0.0.1:50052'),
};
