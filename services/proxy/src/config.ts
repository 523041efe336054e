import { randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { DEADLINES, isNodeId, isPageUrl } from '@spawner/domain';
import { type Environment, type EnvReader, readServiceConfig, sharedAddresses } from '@spawner/service';
import { ACCESS_SETTINGS, type AccessSetting, accessSetting } from './access-log/access-log.ts';
import { isRedirectTemplate } from './edge/pages/own-pages.ts';
import { isCidr } from './edge/trusted-addresses.ts';
import { TIMEOUTS } from './timeouts.ts';

export type ProxyConfig = ReturnType<typeof readConfig>;

/** Every variable of the proxy; the README has the same list with what each is for. */
export const readConfig = (env: Environment) =>
  readServiceConfig('proxy', env, 9104, (reader, prefix) => {
    const https = reader.flag(`${prefix}HTTPS`, false);
    const workers = reader.integer(`${prefix}WORKERS`, 1, { min: 1, max: MOST_WORKERS });
    const stateDir = reader.text(`${prefix}STATE_DIR`, '');
    /** A limit of which every worker has a share. */
    const limit = (name: string, fallback: number, min = 0) =>
      divisible(reader, `${prefix}${name}`, reader.integer(`${prefix}${name}`, fallback, { min }), workers);
    return {
      id: workersName(reader, `${prefix}ID`, `proxy-${randomBytes(4).toString('hex')}`, workers),
      /** Whether that name was given to it. */
      named: reader.optional(`${prefix}ID`) !== undefined,
      workers,
      region: reader.text(`${prefix}REGION`, 'local'),
      httpPort: reader.port(`${prefix}HTTP_PORT`, 8000),
      https,
      httpsPort: reader.port(`${prefix}HTTPS_PORT`, 8443),
      redirectToHttps: reader.flag(`${prefix}REDIRECT_TO_HTTPS`, https) && https,
      publicHttpsPort: reader.integer(`${prefix}PUBLIC_HTTPS_PORT`, 0, { min: 1, max: 65_535 }) || undefined,
      publicAddresses: checkedList(reader, `${prefix}PUBLIC_ADDRESSES`, (text) => isIP(text) !== 0, 'an IP'),
      publicAddressApi: optionalUrl(reader, `${prefix}PUBLIC_ADDRESS_API`),
      droneId: nodeName(reader, `${prefix}DRONE_ID`, ''),
      stateDir: stateDir === '' ? '' : resolve(stateDir),
      routesTrustedMs: reader.integer(`${prefix}ROUTES_TRUSTED_MS`, DEADLINES.routesTrusted, {
        min: 15_000,
        max: DEADLINES.routesTrusted,
      }),
      holdTimeoutMs: reader.integer(`${prefix}HOLD_TIMEOUT_MS`, 30_000, { max: TIMEOUTS.queueHold }),
      restartHoldMs: reader.integer(`${prefix}RESTART_HOLD_MS`, 2_000, { max: MOST_RESTART_HOLD_MS }),
      endRedirectUrl: endRedirectUrl(reader, `${prefix}END_REDIRECT_URL`),
      endPage: reader.secret(`${prefix}END_PAGE`) || undefined,
      startAgainUrl: pageUrl(reader, `${prefix}START_AGAIN_URL`),
      heldPerBackend: limit('HELD_PER_BACKEND', 100, 1),
      heldTotal: limit('HELD_TOTAL', 1_000, 1),
      openPerBackend: limit('OPEN_PER_BACKEND', 10_000, 1),
      connectTimeoutMs: reader.integer(`${prefix}CONNECT_TIMEOUT_MS`, 5_000, { min: 1, max: 600_000 }),
      unacknowledgedTimeoutMs: reader.integer(`${prefix}UNACKNOWLEDGED_TIMEOUT_MS`, 80_000, {
        min: 1_000,
        max: 900_000,
      }),
      headTimeoutMs: reader.integer(`${prefix}HEAD_TIMEOUT_MS`, 60_000, { min: 100, max: 600_000 }),
      bodyTimeoutMs: reader.integer(`${prefix}BODY_TIMEOUT_MS`, 60_000, { min: 100, max: 600_000 }),
      connectionsPerHost: limit('CONNECTIONS_PER_HOST', 20_000),
      requestsPerSecondPerHost: limit('REQUESTS_PER_SECOND_PER_HOST', 0),
      connectionsPerAddress: limit('CONNECTIONS_PER_ADDRESS', 0),
      accessLog: accessLog(reader, `${prefix}ACCESS_LOG`),
      fastPath: reader.oneOf(`${prefix}FAST_PATH`, ['on', 'off'], 'on') === 'on',
      maxHeaderBytes: reader.integer(`${prefix}MAX_HEADER_BYTES`, 16_384, { min: 1_024, max: 1_048_576 }),
      maxAnswerHeaderBytes: reader.integer(`${prefix}MAX_ANSWER_HEADER_BYTES`, 65_536, {
        min: 1_024,
        max: 1_048_576,
      }),
      trustedAddresses: checkedList(reader, `${prefix}TRUSTED_ADDRESSES`, isCidr, 'an IP or a CIDR range'),
      certificatesAddress: reader.text(`${prefix}CERTIFICATES_ADDRESS`, '127.0.0.1:50055'),
      redisUrl: sharedAddresses.redisUrl(reader),
      natsUrl: sharedAddresses.natsUrl(reader),
      scheduler: sharedAddresses.scheduler(reader),
    };
  });

/** A program that restarts for longer is not held for: its users get the answer that it does not listen. */
const MOST_RESTART_HOLD_MS = 60_000;

/** Beyond the processors of any machine there is nothing to win. */
const MOST_WORKERS = 64;

/** Workers are called after the proxy, with a number behind. */
function workersName(reader: EnvReader, name: string, fallback: string, workers: number): string {
  const id = nodeName(reader, name, fallback);
  if (workers > 1 && isNodeId(id) && !isNodeId(`${id}-${workers}`))
    reader.problem(
      name,
      'is too long: its workers add a hyphen and their number to it, and 63 characters are the most',
    );
  return id;
}

function accessLog(reader: EnvReader, name: string): AccessSetting {
  const text = reader.checked(name, 'off', (text) => accessSetting(text) !== undefined, ACCESS_SETTINGS);
  return accessSetting(text) ?? { kind: 'off' };
}

function divisible(reader: EnvReader, name: string, limit: number, workers: number): number {
  if (limit !== 0 && limit < workers)
    reader.problem(
      name,
      `must be at least ${workers}, as many as there are workers, since each has its share`,
    );
  return limit;
}

function nodeName(reader: EnvReader, name: string, fallback: string): string {
  const accepts = (text: string) => text === fallback || isNodeId(text);
  return reader.checked(name, fallback, accepts, 'of a-z, 0-9 and hyphens, at most 63 of them');
}

function optionalUrl(reader: EnvReader, name: string): string | undefined {
  return reader.optional(name) === undefined ? undefined : reader.url(name, '', ['http', 'https']);
}

function endRedirectUrl(reader: EnvReader, name: string): string | undefined {
  const what = 'an http or https address, in braces of which may be reason, state and id';
  return reader.checked(name, '', (text) => text === '' || isRedirectTemplate(text), what) || undefined;
}

function pageUrl(reader: EnvReader, name: string): string | undefined {
  const isUrl = (text: string) => text === '' || isPageUrl(text);
  return reader.checked(name, '', isUrl, 'an http or https address of at most 1024 characters') || undefined;
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
