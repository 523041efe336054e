import { randomBytes } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import { resolve } from 'node:path';
import { isNodeId } from '@spawner/domain';
import { Node, NodeKind } from '@spawner/proto/internal/node';
import { type Environment, type EnvReader, readServiceConfig, sharedAddresses } from '@spawner/service';

export type CertificatesConfig = ReturnType<typeof readConfig>;

const HOST_AND_PORT = /^(?:\[[0-9a-fA-F:.]+\]|[^\s:[\]]+):\d{1,5}$/;

/** Reads SPAWNER_CERTIFICATES_… and the shared variables; README.md lists them. */
export const readConfig = (env: Environment) =>
  readServiceConfig('certificates', env, 9106, (reader, prefix) => {
    const issuer = reader.oneOf(`${prefix}ISSUER`, ['local', 'acme'], 'local');
    const port = reader.port(`${prefix}PORT`, 50_055);
    const dnsAddresses = hostsAndPorts(reader, `${prefix}DNS_ADDRESSES`, ['127.0.0.1:50054']);
    const ownDns = dnsAddresses.flatMap((address) =>
      HOST_AND_PORT.test(address) ? [address.replace(/:\d+$/, ':5300')] : [],
    );
    return {
      redisUrl: sharedAddresses.redisUrl(reader),
      schedulerAddress: sharedAddresses.scheduler(reader),
      id: reader.checked(
        `${prefix}ID`,
        `certificates-${randomBytes(4).toString('hex')}`,
        isNodeId,
        'of a-z, 0-9 and inner hyphens, at most 63',
      ),
      region: reader.text(`${prefix}REGION`, 'local'),
      port,
      advertiseAddress: reader.checked(
        `${prefix}ADVERTISE_ADDRESS`,
        `${reader.text('SPAWNER_BIND_ADDRESS', '127.0.0.1')}:${port}`,
        (text) => text.endsWith(`:${port}`) || HOST_AND_PORT.test(text),
        'host:port',
      ),
      issuer,
      stateDir: resolve(reader.text(`${prefix}STATE_DIR`, './.spawner/certificates')),
      acmeDirectory: directory(reader, `${prefix}ACME_DIRECTORY`, issuer === 'acme'),
      acmeEmail: reader.text(`${prefix}ACME_EMAIL`, ''),
      ...binding(reader, prefix),
      acmeCaFile: readableFile(reader, `${prefix}ACME_CA_FILE`),
      dnsAddresses,
      dnsResolvers: hostsAndPorts(reader, `${prefix}DNS_RESOLVERS`, ownDns),
    };
  });

/** This service's entry in the scheduler's list of nodes. */
export function nodeOf(config: Pick<CertificatesConfig, 'id' | 'region' | 'advertiseAddress'>): Node {
  const { id, region, advertiseAddress: rpcAddress } = config;
  return Node.fromPartial({ kind: NodeKind.CERTIFICATES, id, region, rpcAddress });
}

/** The domains of the certificate: the cluster's, and every backend's. */
export function domainsOf({ clusterDomain }: { clusterDomain: string }): string[] {
  return [clusterDomain, `*.${clusterDomain}`];
}

function directory(reader: EnvReader, name: string, required: boolean): string {
  if (!required && reader.optional(name) === undefined) return '';
  const url = reader.required(name, 'the URL of the ACME server’s directory');
  return url === '' ? '' : reader.url(name, url, ['https']);
}

/** Flat, so that the log masks the key. */
function binding(reader: EnvReader, prefix: string): { acmeEabKid: string; acmeEabHmacKey: string } {
  const acmeEabKid = reader.text(`${prefix}ACME_EAB_KID`, '');
  const acmeEabHmacKey = reader.secret(`${prefix}ACME_EAB_HMAC_KEY`) ?? '';
  if (acmeEabKid !== '' && acmeEabHmacKey === '')
    reader.problem(`${prefix}ACME_EAB_HMAC_KEY`, 'is required with the key id');
  if (acmeEabKid === '' && acmeEabHmacKey !== '')
    reader.problem(`${prefix}ACME_EAB_KID`, 'is required with the key');
  return { acmeEabKid, acmeEabHmacKey };
}

function readableFile(reader: EnvReader, name: string): string | undefined {
  const path = reader.optional(name);
  try {
    if (path !== undefined) accessSync(path, constants.R_OK);
  } catch {
    reader.problem(name, `names a file that cannot be read: ${path}`);
  }
  return path;
}

function hostsAndPorts(reader: EnvReader, name: string, fallback: string[]): string[] {
  const values = reader.list(name, fallback);
  for (const value of values)
    if (!HOST_AND_PORT.test(value)) reader.problem(name, `must be host:port, not ${JSON.stringify(value)}`);
  return values;
}
