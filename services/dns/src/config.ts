import { randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import { isDomain, isNodeId } from '@spawner/domain';
import { Node, NodeKind } from '@spawner/proto/internal/node';
import { type Environment, readServiceConfig, sharedAddresses } from '@spawner/service';
import { mailboxName, type ZoneSettings } from './zone.ts';

export type DnsConfig = ReturnType<typeof readConfig>;

/** Reads SPAWNER_DNS_… and the shared variables; README.md lists them. */
export const readConfig = (env: Environment) =>
  readServiceConfig('dns', env, 9105, (reader, prefix) => {
    const bindAddress = reader.text('SPAWNER_BIND_ADDRESS', '127.0.0.1');
    const domain = reader.text('SPAWNER_CLUSTER_DOMAIN', 'spawner.localhost');
    const grpcPort = reader.port(`${prefix}GRPC_PORT`, 50_054);
    const each = (name: string, fallback: string[], accepts: (text: string) => boolean, must: string) => {
      const values = reader.list(`${prefix}${name}`, fallback);
      for (const value of values.filter((text) => !accepts(text)))
        reader.problem(`${prefix}${name}`, `must be ${must}, not ${JSON.stringify(value)}`);
      return values;
    };
    return {
      redisUrl: sharedAddresses.redisUrl(reader),
      schedulerAddress: sharedAddresses.scheduler(reader),
      region: reader.text(`${prefix}REGION`, 'local'),
      id: reader.checked(
        `${prefix}ID`,
        `dns-${randomBytes(4).toString('hex')}`,
        isNodeId,
        'of a-z, 0-9 and hyphens, at most 63',
      ),
      grpcPort,
      advertiseAddress: reader.text(`${prefix}ADVERTISE_ADDRESS`, hostAndPort(bindAddress, grpcPort)),
      port: reader.port(`${prefix}PORT`, 5_300),
      listenAddress: reader.checked(
        `${prefix}LISTEN_ADDRESS`,
        bindAddress,
        (text) => isIP(text) !== 0,
        'an IP address',
      ),
      nameservers: each('NAMESERVERS', [`ns.${domain}`], isDomain, 'names in lower case'),
      publicAddresses: each('PUBLIC_ADDRESSES', ['127.0.0.1'], (text) => isIP(text) !== 0, 'IP addresses'),
      adminEmail: reader.checked(
        `${prefix}ADMIN_EMAIL`,
        `hostmaster@${domain}`,
        isEmail,
        'a mail address like dns@example.com',
      ),
      caa: each('CAA', [], (text) => /^[\x21-\x7e]{1,200}$/.test(text), 'issuers like letsencrypt.org'),
      ttlSeconds: reader.integer(`${prefix}TTL_SECONDS`, 10, { max: 86_400 }),
      tcpConnections: reader.integer(`${prefix}TCP_CONNECTIONS`, 500, { min: 1, max: 100_000 }),
      tcpIdleMs: reader.integer(`${prefix}TCP_IDLE_MS`, 10_000, { min: 100, max: 600_000 }),
    };
  });

export function zoneSettings(config: DnsConfig): ZoneSettings {
  const { clusterDomain, nameservers, publicAddresses, adminEmail, caa, ttlSeconds } = config;
  const admin = mailboxName(adminEmail);
  return { domain: clusterDomain, nameservers, publicAddresses, admin, caa, ttlSeconds };
}

/** This server's entry in the scheduler's list of nodes. */
export function nodeOf(config: Pick<DnsConfig, 'id' | 'region' | 'advertiseAddress'>): Node {
  const { id, region, advertiseAddress: rpcAddress } = config;
  return Node.fromPartial({ kind: NodeKind.DNS, id, region, rpcAddress });
}

function hostAndPort(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function isEmail(text: string): boolean {
  const at = text.lastIndexOf('@');
  return /^[\x21-\x3f\x41-\x7e]{1,63}$/.test(text.slice(0, Math.max(at, 0))) && isDomain(text.slice(at + 1));
}
