/** A certificate authority of the test's own, made with the `openssl` command, for everything that wants TLS. */
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { run } from './command.ts';
import { tempDir } from './temp-dir.ts';

export interface Certificate {
  certPem: string;
  keyPem: string;
}

export interface Authority extends AsyncDisposable {
  caPem: string;
  /** A certificate for these host names and addresses, good from now for a day. */
  issue(names: string[]): Promise<Certificate>;
  stop(): Promise<void>;
}

const NEW_KEY = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -sha256'.split(' ');

/** Makes a fresh root of trust; nothing outside the test believes in it. */
export async function makeAuthority(commonName = 'Spawner test root'): Promise<Authority> {
  const dir = await tempDir('authority');
  const file = (name: string) => join(dir.path, name);
  const newKey = (...args: string[]) => run('openssl', ...NEW_KEY, ...args);
  await newKey(
    ...['-subj', `/CN=${commonName}`, '-days', '2', '-keyout', file('ca.key'), '-out', file('ca.pem')],
    ...['-addext', 'keyUsage=critical,keyCertSign,cRLSign'],
  );
  let count = 0;
  return {
    caPem: await readFile(file('ca.pem'), 'utf8'),
    stop: dir.stop,
    [Symbol.asyncDispose]: dir.stop,
    async issue(names) {
      count += 1;
      const [cert, key] = [file(`${count}.pem`), file(`${count}.key`)];
      const alternatives = names.map((name) => `${isIP(name) ? 'IP' : 'DNS'}:${name}`).join(',');
      await newKey(
        ...['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-subj', `/CN=${names[0]}`],
        ...['-days', '1', '-keyout', key, '-out', cert],
        ...['-addext', `subjectAltName=${alternatives}`, '-addext', 'basicConstraints=critical,CA:FALSE'],
      );
      return { certPem: await readFile(cert, 'utf8'), keyPem: await readFile(key, 'utf8') };
    },
  };
}
