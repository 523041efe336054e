/** The text for the user when everything is ready: addresses, and the next command to type. */
import { relative } from 'node:path';
import type { LocalFile } from '../claim/local-file.ts';

export interface Announcement {
  local: LocalFile;
  root: string;
  logs: string;
  /** The root certificate that browsers must trust for HTTPS. */
  caFile: string;
  seconds: number;
}

export function announce({ local, root, logs, caFile, seconds }: Announcement): string {
  const { addresses, clusterDomain, demoImage } = local;
  const [http, https] = [new URL(addresses.proxyHttp).port, new URL(addresses.proxyHttps).port];
  const api = addresses.api.replace('//127.0.0.1:', '//localhost:');
  const body = JSON.stringify({ spec: { image: demoImage } });
  const rows = [
    ['API', api],
    ['Dashboard', `${api}/`],
    ['gRPC', `${addresses.grpc}  (with reflection)`],
    ['Backends', `http://<id>.${clusterDomain}:${http}  and  https://<id>.${clusterDomain}:${https}`],
    ['HTTPS root', `${relative(root, caFile)}  (for browsers and curl --cacert)`],
    ['DNS', `${addresses.dns}  (UDP and TCP)`],
    ['Runtime', local.dockerSocket ? `Docker at unix://${local.dockerSocket}` : 'plain processes'],
    ['Logs', `${relative(root, logs)}/  (proxy.log has a line for each request)`],
  ];
  return [
    `Spawner is up after ${seconds.toFixed(1)} s. Ctrl-C stops it, as does \`npm run down\` in another terminal.`,
    '',
    ...rows.map(([name = '', value]) => `  ${name.padEnd(12)}${value}`),
    '',
    'Spawn the demo, and open the "url" of the response in two browsers:',
    '',
    `  curl -s ${api}/v1/backends -H 'content-type: application/json' -d '${body}'`,
    '',
    ...(local.dockerSocket ? ['Copy an image of yours into its engine:  npm run -s load -- IMAGE', ''] : []),
    ...resolution(clusterDomain, addresses.dns),
    '',
  ].join('\n');
}

/** How programs that do not map the name themselves find a backend. */
function resolution(domain: string, dns: string): string[] {
  const [host] = dns.split(/:(?=\d+$)/);
  if (!domain.endsWith('.localhost'))
    return [`Names below ${domain} are answered by the DNS server at ${dns}.`];
  return [
    `Browsers and curl resolve *.${domain} themselves. For Node, Python, wget and others:`,
    '',
    '  apt-get install libnss-myhostname                        (Debian and Ubuntu: every backend)',
    `  echo '${host} <id>.${domain}' >>/etc/hosts   (any system: one backend)`,
  ];
}
