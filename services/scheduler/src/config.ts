import { type Environment, readServiceConfig, sharedAddresses } from '@spawner/service';

export type Config = ReturnType<typeof readConfig>;

export const readConfig = (env: Environment) =>
  readServiceConfig('scheduler', env, 9102, (reader, prefix) => ({
    redisUrl: sharedAddresses.redisUrl(reader),
    natsUrl: sharedAddresses.natsUrl(reader),
    emptyStore: reader.oneOf(`${prefix}EMPTY_STORE`, ['wait', 'new'], 'wait'),
    waitReplicas: reader.integer(`${prefix}WAIT_REPLICAS`, 0, { max: 100 }),
    port: reader.port(`${prefix}PORT`, 50_052),
  }));
