import { randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { DEADLINES, isNodeId } from '@spawner/domain';
import { type Environment, type EnvReader, readServiceConfig, sharedAddresses } from '@spawner/service';
import { isCidr } from './trust.ts';

export type ProxyConfig = ReturnType<typeof readConfig>;

/** Every variable of the proxy; the README has the same list with what each is for. */
export const readConfig = (env: Environment) =>
  readServiceConfig('proxy', env, 9104, (reader, prefix) => {
    const https = reader.flag(`${prefix}HTTPS`, false);
    const stateDir = reader.text(`${prefix}STATE_DIR`, '');
    return {
      id: nodeName(reader, `${prefix}ID`, `proxy-${randomBytes(4).toString('hex')}`),
      /** Whether that name was given to it. */
      named: reader.optional(`${prefix}ID`) !== undefined,
      region: reader.text(`${prefix}REGION`, 'local'),
      httpPort: reader.port(`${prefix}HTTP_PORT`, 8000),
      https,
      httpsPort: reader.port(`${prefix}HTTPS_PORT`, 8443),
      redirectToHttps: reader.flag(`${prefix}REDIRECT_TO_HTTPS`, https) && https,
      publicHttpsPort: optionalPort(reader, `${prefix}PUBLIC_HTTPS_PORT`),
      publicAddresses: checkedList(reader, `${prefix}PUBLIC_ADDRESSES`, (text) => isIP(text) !== 0, 'an IP'),
      publicAddressApi: optionalUrl(reader, `${prefix}PUBLIC_ADDRESS_API`),
      droneId: nodeName(reader, `${prefix}DRONE_ID`, ''),
      stateDir: stateDir === '' ? '' : resolve(stateDir),
      routesTrustedMs: reader.integer(`${prefix}ROUTES_TRUSTED_MS`, DEADLINES.routesTrusted, {
        min: 15_000,
        max: DEADLINES.routesTrusted,
      }),
      holdTimeoutMs: reader.integer(`${prefix}HOLD_TIMEOUT_MS`, 30_000, { max: 600_000 }),
      heldPerBackend: reader.integer(`${prefix}HELD_PER_BACKEND`, 100, { min: 1 }),
      heldTotal: reader.integer(`${prefix}HELD_TOTAL`, 1_000, { min: 1 }),
      openPerBackend: reader.integer(`${prefix}OPEN_PER_BACKEND`, 10_000, { min: 1 }),
      connectTimeoutMs: reader.integer(`${prefix}CONNECT_TIMEOUT_MS`, 5_000, { min: 1, max: 600_000 }),
      unacknowledgedTimeoutMs: reader.integer(`${prefix}UNACKNOWLEDGED_TIMEOUT_MS`, 80_000, {
        min: 1_000,
        max: 900_000,
      }),
      headTimeoutMs: reader.integer(`${prefix}HEAD_TIMEOUT_MS`, 60_000, { min: 100, max: 600_000 }),
      bodyTimeoutMs: reader.integer(`${prefix}BODY_TIMEOUT_MS`, 60_000, { min: 100, max: 600_000 }),
      connectionsPerHost: reader.integer(`${prefix}CONNECTIONS_PER_HOST`, 20_000),
      requestsPerSecondPerHost: reader.integer(`${prefix}REQUESTS_PER_SECOND_PER_HOST`, 0),
      connectionsPerAddress: reader.integer(`${prefix}CONNECTIONS_PER_ADDRESS`, 0),
      fastPath: reader.oneOf(`${prefix}FAST_PATH`, ['on', 'off'], 'on') === 'on',
      maxHeaderBytes: reader.integer(`${prefix}MAX_HEADER_BYTES`, 16_384, { min: 1_024, max: 1_048_576 }),
      trustedAddresses: checkedList(reader, `${prefix}TRUSTED_ADDRESSES`, isCidr, 'an IP or a CIDR range'),
      certificatesAddress: reader.text(`${prefix}CERTIFICATES_ADDRESS`, '127.0.0.1:50055'),
      redisUrl: sharedAddresses.redisUrl(reader),
      natsUrl: sharedAddresses.natsUrl(reader),
      scheduler: sharedAddresses.scheduler(reader),
    };
  });

function nodeName(reader: EnvReader, name: string, fallback: string): string {
  const accepts = (text: string) => text === fallback || isNodeId(text);
  return reader.checked(name, fallback, accepts, 'of a-z, 0-9 and hyphens, at most 63 of them');
}

function optionalPort(reader: EnvReader, name: string): number | undefined {
  return reader.integer(name, 0, { min: 1, max: 65_535 }) || undefined;
}

function optionalUrl(reader: EnvReader, name: string): string | undefined {
  return reader.optional(name) === undefined ? undefined : reader.url(name, '', ['http', 'https']);
}

function checkedList(
  reader: EnvReader,
  name: string,
  accepts: (text: string) => boolean,
  what: string,
): string[] {
  const texts = reader.list(name);
  for (const text of texts)
    if (!accepts(text)) reader.problem(name, `has ${JSON.stringify(text)}, which is not ${what}`);
  return texts;
}
