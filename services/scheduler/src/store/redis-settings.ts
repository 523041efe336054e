import { ConfigError, type Log } from '@spawner/service';
import { openRedis, type Redis } from '@spawner/store';

/** The settings that decide whether Redis keeps acknowledged writes. */
export interface RedisSettings {
  /** In bytes; 0 for no limit. */
  maxMemory: number;
  maxMemoryPolicy: string;
  minReplicasToWrite: number;
  /** In seconds; 0 turns the one before off. */
  minReplicasMaxLag: number;
  /** Connected ones. */
  replicas: number;
}

/** Which settings to change so that Redis neither evicts nor loses acknowledged writes without bound; pure. */
export function settingProblems(settings: RedisSettings): string[] {
  const { maxMemory, maxMemoryPolicy, minReplicasToWrite, minReplicasMaxLag, replicas } = settings;
  const problems: string[] = [];
  if (maxMemory > 0 && maxMemoryPolicy !== 'noeviction')
    problems.push(
      `Redis may evict what it has acknowledged: set its maxmemory-policy to noeviction (it is ${maxMemoryPolicy}, with a maxmemory of ${maxMemory})`,
    );
  if (replicas === 0) return problems;
  const without = 'Redis has replicas, and a failover may lose acknowledged writes without bound';
  if (minReplicasToWrite < 1)
    problems.push(`${without}: set its min-replicas-to-write to 1 or more (it is ${minReplicasToWrite})`);
  if (minReplicasMaxLag < 1)
    problems.push(
      `${without}: set its min-replicas-max-lag to 1 or more seconds (it is ${minReplicasMaxLag})`,
    );
  return problems;
}

/**
 * A connection to a Redis whose settings are good. Throws a ConfigError that names the settings to change; where they
 * cannot be read, as in many managed ones, that is a warning.
 */
export async function openSafeRedis(url: string, log: Log): Promise<Redis> {
  const redis = await openRedis(url, log);
  try {
    const settings = await readSettings(redis, log);
    const problems = settings ? settingProblems(settings) : [];
    if (problems.length > 0) throw new ConfigError(problems);
    return redis;
  } catch (error) {
    await redis.close();
    throw error;
  }
}

async function readSettings(redis: Redis, log: Log): Promise<RedisSettings | undefined> {
  const values = new Map<string, string>();
  try {
    for (const pattern of ['maxmemory*', 'min-replicas-*']) {
      const flat = ((await redis.send(['CONFIG', 'GET', pattern])) as Buffer[]).map(String);
      for (let at = 0; at + 1 < flat.length; at += 2) values.set(String(flat[at]), String(flat[at + 1]));
    }
  } catch (error) {
    if (!isForbidden(error)) throw error;
    log.warn(
      { error },
      'Redis does not show its settings: see to it that it does not evict (maxmemory-policy noeviction) and, with replicas, has a min-replicas-to-write',
    );
    return undefined;
  }
  const info = String(await redis.send(['INFO', 'replication']));
  return {
    maxMemory: Number(values.get('maxmemory') ?? 0),
    maxMemoryPolicy: values.get('maxmemory-policy') ?? 'noeviction',
    minReplicasToWrite: Number(values.get('min-replicas-to-write') ?? 0),
    minReplicasMaxLag: Number(values.get('min-replicas-max-lag') ?? 0),
    replicas: Number(/^connected_slaves:(\d+)/m.exec(info)?.[1] ?? 0),
  };
}

/** The command is not there, or not for this user. */
function isForbidden(error: unknown): boolean {
  return error instanceof Error && /^(?:NOPERM|ERR unknown)/.test(error.message);
}
