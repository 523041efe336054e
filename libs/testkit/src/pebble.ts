/** Let's Encrypt's small ACME server (Debian's `pebble`) on loopback ports, with an HTTPS certificate of the test's own making. */
import { writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeAuthority } from './authority.ts';
import { freePort } from './free-port.ts';
import { request } from './http-request.ts';
import { type ServerProgram, startServer } from './server-program.ts';
import { tempDir } from './temp-dir.ts';

export interface PebbleOptions {
  /** Where it asks for TXT records: `127.0.0.1:5300`. */
  dnsServer?: string;
  /** External account binding: accounts need one of these keys (base64url), by key id. */
  eab?: Record<string, string>;
  certificateValidityPeriodSeconds?: number;
  /** More of Pebble's own switches; by default it neither dawdles nor refuses good nonces. */
  env?: Record<string, string>;
}

export interface Pebble extends ServerProgram {
  directoryUrl: string;
  /** The root that signed the certificate of Pebble's own HTTPS listener. */
  caPem: string;
  /** The root of the certificates that it issues, as PEM; another one after every restart. */
  issuerRoots(): Promise<string>;
}

/** Starts Pebble and resolves when its directory answers. `stop` removes its files too: `restart` it, or start another. */
export async function startPebble(options: PebbleOptions = {}): Promise<Pebble> {
  const dir = await tempDir('pebble');
  const file = (name: string) => join(dir.path, name);
  await using authority = await makeAuthority('Pebble listener root');
  const { caPem } = authority;
  const listener = await authority.issue(['localhost', '127.0.0.1']);
  await writeFile(file('cert.pem'), listener.certPem);
  await writeFile(file('key.pem'), listener.keyPem);
  const managementPort = await freePort();
  const [httpPort, tlsPort] = [await freePort(), await freePort()];

  const config = (port: number) => ({
    pebble: {
      listenAddress: `127.0.0.1:${port}`,
      managementListenAddress: `127.0.0.1:${managementPort}`,
      certificate: file('cert.pem'),
      privateKey: file('key.pem'),
      httpPort,
      tlsPort,
      ocspResponderURL: '',
      externalAccountBindingRequired: options.eab !== undefined,
      externalAccountMACKeys: options.eab ?? {},
      certificateValidityPeriod: options.certificateValidityPeriodSeconds,
    },
  });
  const get = async (port: number, path: string) => {
    const answer = await request({ port, path, tls: { ca: caPem }, timeoutMs: 2_000 });
    if (answer.status !== 200) throw new Error(`Pebble answered ${path} with ${answer.status}`);
    return answer.body;
  };

  const server = await startServer({
    command: 'pebble',
    args: (port) => {
      writeFileSync(file('config.json'), JSON.stringify(config(port)));
      const resolver = options.dnsServer ? ['-dnsserver', options.dnsServer] : [];
      return ['-config', file('config.json'), '-strict=false', ...resolver];
    },
    env: { PEBBLE_VA_NOSLEEP: '1', PEBBLE_WFE_NONCEREJECT: '0', ...options.env },
    answers: (port) => get(port, '/dir'),
  });
  const stop = async () => {
    await server.stop();
    await dir.stop();
  };
  return {
    ...server,
    directoryUrl: `https://127.0.0.1:${server.port}/dir`,
    caPem,
    issuerRoots: () => get(managementPort, '/roots/0'),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
