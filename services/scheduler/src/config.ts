import { type Environment, type EnvReader, readServiceConfig, sharedAddresses } from '@spawner/service';
import { secretsIn } from './placement/claims.ts';

export type Config = ReturnType<typeof readConfig>;

/** As many as the output of the HMAC that they key (RFC 2104, section 3). */
const LEAST_SECRET_BYTES = 32;

export const readConfig = (env: Environment) =>
  readServiceConfig('scheduler', env, 9102, (reader, prefix) => ({
    redisUrl: sharedAddresses.redisUrl(reader),
    natsUrl: sharedAddresses.natsUrl(reader),
    emptyStore: reader.oneOf(`${prefix}EMPTY_STORE`, ['wait', 'new'], 'wait'),
    waitReplicas: reader.integer(`${prefix}WAIT_REPLICAS`, 0, { max: 100 }),
    port: reader.port(`${prefix}PORT`, 50_052),
    clusterSecrets: clusterSecrets(reader, 'SPAWNER_CLUSTER_SECRET'),
  }));

/** None where the variable is not set; one that is set to nothing is a mistake. */
function clusterSecrets(reader: EnvReader, name: string): string[] {
  const text = reader.secret(name);
  if (text === undefined) return [];
  const secrets = secretsIn(text);
  if (secrets.length === 0 || secrets.some((secret) => Buffer.byteLength(secret) < LEAST_SECRET_BYTES))
    reader.problem(
      name,
      `must be at least ${LEAST_SECRET_BYTES} bytes long, each of them where there are several`,
    );
  return secrets;
}
