import { type Environment, type EnvReader, readServiceConfig, sharedAddresses } from '@spawner/service';

/** The configuration of a gateway. README.md explains every variable. */
export const readConfig = (env: Environment) =>
  readServiceConfig('gateway', env, 9101, (reader, prefix) => ({
    httpPort: reader.port(`${prefix}HTTP_PORT`, 8080),
    grpcPort: reader.port(`${prefix}GRPC_PORT`, 50051),
    urlScheme: reader.oneOf(`${prefix}URL_SCHEME`, ['http', 'https'], 'http'),
    urlPort: reader.integer(`${prefix}URL_PORT`, 8000, { min: 1, max: 65_535 }),
    allowedOrigins: readOrigins(reader, `${prefix}ALLOWED_ORIGINS`),
    demoImage: reader.text(`${prefix}DEMO_IMAGE`, 'spawner/demo:latest'),
    natsUrl: sharedAddresses.natsUrl(reader),
    schedulerAddress: sharedAddresses.scheduler(reader),
  }));

export type Config = ReturnType<typeof readConfig>;

function readOrigins(reader: EnvReader, name: string): string[] {
  const origins = reader.list(name);
  for (const origin of origins)
    if (!URL.canParse(origin) || new URL(origin).origin !== origin)
      reader.problem(
        name,
        `must list origins such as https://app.example.com, not ${JSON.stringify(origin)}`,
      );
  return origins;
}
