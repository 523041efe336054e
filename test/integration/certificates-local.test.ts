import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createServer, type TLSSocket, connect as tlsConnect } from 'node:tls';
import { type Certificate, CertificatesServiceService } from '@spawner/proto/internal/certificates_service';
import { createClient } from '@spawner/rpc';
import { keysOf, openRedis, type Redis as Store } from '@spawner/store';
import {
  eventually,
  freePort,
  type Redis,
  startProgram,
  startRedis,
  tempDir,
  testLog,
} from '@spawner/testkit';

const log = testLog();
const keys = keysOf('test');
const domain = 'cluster.test';
/** The time that a service would wait for its streams to end. */
const DRAIN_MS = 10_000;

/** Connects like a browser that trusts only `ca`. Rejects if the certificate is not accepted. */
async function handshake(certificate: Certificate, ca: string, servername: string): Promise<true> {
  const server = createServer({ cert: certificate.chainPem, key: certificate.keyPem });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  let socket: TLSSocket | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      socket = tlsConnect({ port, host: '127.0.0.1', servername, ca }, resolve);
      socket.once('error', reject);
    });
    return true;
  } finally {
    socket?.destroy();
    server.close();
  }
}

describe('certificates of the development authority', () => {
  let redis: Redis;
  let store: Store;
  beforeAll(async () => {
    redis = await startRedis();
    store = await openRedis(redis.url, log);
  });
  afterAll(async () => {
    await store?.close();
    await redis?.stop();
  });
  beforeEach(() => redis.flush());

  async function start(stateDir: string) {
    const port = await freePort();
    const program = await startProgram({
      command: process.execPath,
      args: [join(__dirname, '../../services/certificates/src/main.ts')],
      env: {
        SPAWNER_CLUSTER: 'test',
        SPAWNER_CLUSTER_DOMAIN: domain,
        SPAWNER_REDIS_URL: redis.url,
        SPAWNER_SCHEDULER_ADDRESS: '127.0.0.1:1',
        SPAWNER_CERTIFICATES_PORT: String(port),
        SPAWNER_CERTIFICATES_ADMIN_PORT: '0',
        SPAWNER_CERTIFICATES_STATE_DIR: stateDir,
        SPAWNER_CERTIFICATES_DRAIN_MS: String(DRAIN_MS),
      },
      ready: (line) => line.includes('"msg":"started"'),
    });
    const stop = async () => {
      await program.stop();
    };
    const certificate = async () => {
      const client = createClient(CertificatesServiceService, `127.0.0.1:${port}`);
      try {
        for await (const { certificate: first } of client.watchCertificates({}, { timeoutMs: 60_000 }))
          return first!;
        throw new Error('the stream ended');
      } finally {
        client.close();
      }
    };
    return { program, certificate, stop, [Symbol.asyncDispose]: stop };
  }

  it('are for the cluster and its backends, and valid for clients that trust the root', async () => {
    await using dir = await tempDir('certificates');
    await using service = await start(dir.path);
    const certificate = await service.certificate();
    const root = await readFile(join(dir.path, 'ca.pem'), 'utf8');
    expect(await handshake(certificate, root, domain)).toBe(true);
    expect(await handshake(certificate, root, `${'a'.repeat(26)}.${domain}`)).toBe(true);
    await expect(handshake(certificate, root, `a.b.${domain}`)).rejects.toThrow(/altname/i);
    expect(
      new X509Certificate(certificate.chainPem).checkPrivateKey(createPrivateKey(certificate.keyPem)),
    ).toBe(true);
    expect((await stat(join(dir.path, 'ca.pem'))).mode & 0o777).toBe(0o644);
    expect((await stat(join(dir.path, 'ca.key'))).mode & 0o777).toBe(0o600);
  });

  it('come from the same root after the store was emptied, and after the disk was', async () => {
    await using dir = await tempDir('certificates');
    const root = () => readFile(join(dir.path, 'ca.pem'), 'utf8');
    const issued: Certificate[] = [];
    const runOnce = async () => {
      await using service = await start(dir.path);
      issued.push(await service.certificate());
      return root();
    };
    const first = await runOnce();
    await redis.flush();
    expect(await runOnce()).toBe(first);
    expect(issued[1]!.chainPem).not.toBe(issued[0]!.chainPem);
    await rm(join(dir.path, 'ca.pem'));
    await rm(join(dir.path, 'ca.key'));
    expect(await runOnce()).toBe(first);
    expect(issued[2]).toEqual(issued[1]);
  });

  it('are replaced if the stored one cannot be used', async () => {
    await using dir = await tempDir('certificates');
    await store.send([
      'HSET',
      keys.certificates,
      `certificate local ${domain}`,
      'garbage',
      `authority ${domain}`,
      'garbage',
    ]);
    await using service = await start(dir.path);
    const certificate = await service.certificate();
    expect(await handshake(certificate, await readFile(join(dir.path, 'ca.pem'), 'utf8'), domain)).toBe(true);
  });

  it('are put back into a store that was emptied while the service runs', async () => {
    await using dir = await tempDir('certificates');
    await using service = await start(dir.path);
    const certificate = await service.certificate();
    const isStored = async () =>
      (await store.send(['HEXISTS', keys.certificates, `certificate local ${domain}`])) === 1;
    await eventually(isStored);
    // The store is empty only until the service notices.
    await redis.flush();
    await eventually(isStored);
    expect(await service.certificate()).toEqual(certificate);
  });

  it('end their streams when the service stops, which happens at once', async () => {
    await using dir = await tempDir('certificates');
    const service = await start(dir.path);
    await service.certificate();
    const stoppedAt = performance.now();
    await service.stop();
    expect(performance.now() - stoppedAt).toBeLessThan(DRAIN_MS);
    expect(service.program.output()).toContain('stopped');
  });
});
