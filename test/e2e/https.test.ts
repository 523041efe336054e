/**
 * HTTPS end to end: the certificate tests of the first Spawner (C1, P4, P8, P9) and external account binding, with
 * Pebble asking our own DNS server for the challenges.
 */
import { X509Certificate } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:http2';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { eventually, freePort, type Pebble, request, startPebble, tempDir } from '@spawner/testkit';
import { type Cluster, startCluster } from '../cluster/cluster.ts';

const DOMAIN = 'sessions.test';
const EAB_KEY = 'zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W';

interface Scene {
  cluster: Cluster;
  pebble: Pebble;
  close(): Promise<void>;
}

/** A cluster whose certificates come from a Pebble that resolves through the cluster's dns. */
async function scene(
  options: Parameters<typeof startPebble>[0],
  acme: Record<string, string> = {},
): Promise<Scene> {
  const dnsPort = await freePort();
  const pebble = await startPebble({ ...options, dnsServer: `127.0.0.1:${dnsPort}` });
  const dir = await tempDir('acme');
  const caFile = join(dir.path, 'pebble.pem');
  await writeFile(caFile, pebble.caPem);
  const cluster = await startCluster({
    runtime: 'process',
    https: true,
    redirectToHttps: true,
    clusterDomain: DOMAIN,
    env: { dns: { SPAWNER_DNS_PORT: String(dnsPort) } },
    acme: {
      SPAWNER_CERTIFICATES_ISSUER: 'acme',
      SPAWNER_CERTIFICATES_ACME_DIRECTORY: pebble.directoryUrl,
      SPAWNER_CERTIFICATES_ACME_CA_FILE: caFile,
      SPAWNER_CERTIFICATES_ACME_EMAIL: 'admin@sessions.test',
      SPAWNER_CERTIFICATES_DNS_RESOLVERS: `127.0.0.1:${dnsPort}`,
      ...acme,
    },
  });
  const close = async () => {
    await cluster.stop();
    await pebble.stop();
    await dir.stop();
  };
  return { cluster, pebble, close };
}

const httpsPort = (cluster: Cluster) => cluster.proxy.ports.SPAWNER_PROXY_HTTPS_PORT!;

/** The certificate that the proxy shows now; rejects while it has none. */
function shownCertificate(cluster: Cluster, servername: string): Promise<X509Certificate> {
  return new Promise((resolve, reject) => {
    const socket: TLSSocket = connectTls(
      { host: '127.0.0.1', port: httpsPort(cluster), servername, rejectUnauthorized: false },
      () => {
        resolve(new X509Certificate(socket.getPeerCertificate(true).raw));
        socket.destroy();
      },
    );
    socket.once('error', reject);
  });
}

describe('with an ACME authority', () => {
  let at: Scene;
  beforeAll(async () => {
    at = await scene({ certificateValidityPeriodSeconds: 24 });
  });
  afterAll(() => at?.close());

  it('a certificate for the cluster and all below it arrives by itself, whole chain, and is used without a restart (C1, P4, P8)', async () => {
    const { cluster, pebble } = at;
    const ca = await pebble.issuerRoots();
    const [one, two] = await Promise.all(
      ['one', 'two'].map((NAME) => cluster.spawnReady({ image: 'probe', env: { NAME } })),
    );
    for (const [{ id }, name] of [
      [one!, 'one'],
      [two!, 'two'],
    ] as const) {
      const host = `${id}.${DOMAIN}`;
      const answer = await eventually(
        () => request({ port: httpsPort(cluster), host, path: '/name', tls: { ca } }),
        { timeoutMs: 30_000 },
      );
      expect([answer.status, answer.body]).toEqual([200, name]);
    }
    const certificate = await shownCertificate(cluster, DOMAIN);
    expect(certificate.subjectAltName?.split(', ').sort()).toEqual([`DNS:*.${DOMAIN}`, `DNS:${DOMAIN}`]);
  });

  it('offers h2 and HTTP/1.1, and both reach the backend as HTTPS', async () => {
    const { cluster, pebble } = at;
    const ca = await pebble.issuerRoots();
    const { id } = await cluster.spawnReady({ image: 'probe' });
    const host = `${id}.${DOMAIN}`;
    await eventually(() => request({ port: httpsPort(cluster), host, tls: { ca } }), { timeoutMs: 30_000 });
    const session = connect(`https://${host}`, {
      ca,
      createConnection: () =>
        connectTls({
          host: '127.0.0.1',
          port: httpsPort(cluster),
          servername: host,
          ca,
          ALPNProtocols: ['h2'],
        }),
    });
    const headers = await new Promise<string>((resolve, reject) => {
      session.once('error', reject);
      const stream = session.request({ ':path': '/headers', ':authority': host });
      let text = '';
      stream
        .setEncoding('utf8')
        .on('data', (chunk) => {
          text += chunk;
        })
        .once('end', () => resolve(text))
        .once('error', reject)
        .end();
    });
    session.close();
    expect(JSON.parse(headers).headers).toMatchObject({ 'x-forwarded-proto': 'https', host });
    const first = await request({ port: httpsPort(cluster), host, path: '/headers', tls: { ca } });
    expect(JSON.parse(first.body).headers).toMatchObject({ 'x-forwarded-proto': 'https', host });
  });

  it('plain HTTP is sent to HTTPS with 308, method and path kept', async () => {
    const { cluster } = at;
    const { id } = await cluster.spawnReady({ image: 'probe' });
    const answer = await cluster.fetchBackend(id, '/echo?a=b', { method: 'POST', body: 'x' });
    expect([answer.status, answer.headers.location]).toEqual([
      308,
      expect.stringMatching(new RegExp(`^https://${id}\\.${DOMAIN}(:\\d+)?/echo\\?a=b$`)),
    ]);
  });

  it('is renewed before it ends, and the next connection uses the new one while an open one continues (P9)', async () => {
    const { cluster } = at;
    const { id } = await cluster.spawnReady({ image: 'probe' });
    const before = await eventually(() => shownCertificate(cluster, DOMAIN), { timeoutMs: 30_000 });
    const open = await new Promise<TLSSocket>((resolve, reject) => {
      const socket = connectTls(
        {
          host: '127.0.0.1',
          port: httpsPort(cluster),
          servername: DOMAIN,
          rejectUnauthorized: false,
          ALPNProtocols: ['http/1.1'],
        },
        () => resolve(socket),
      );
      socket.once('error', reject);
    });
    await eventually(
      async () =>
        expect((await shownCertificate(cluster, DOMAIN)).serialNumber).not.toBe(before.serialNumber),
      { timeoutMs: 40_000 },
    );
    expect(Date.now()).toBeLessThan(new Date(before.validTo).getTime());
    const answered = new Promise<string>((resolve) => open.once('data', (data) => resolve(String(data))));
    open.write(`GET /name HTTP/1.1\r\nHost: ${id}.${DOMAIN}\r\n\r\n`);
    expect(await answered).toMatch(/^HTTP\/1\.1 200/);
    open.destroy();
  });
});

describe('with an ACME authority that wants external account binding', () => {
  it('gets its certificate with the key, and its account survives a restart', async () => {
    const at = await scene(
      { eab: { 'kid-1': EAB_KEY } },
      { SPAWNER_CERTIFICATES_ACME_EAB_KID: 'kid-1', SPAWNER_CERTIFICATES_ACME_EAB_HMAC_KEY: EAB_KEY },
    );
    try {
      const before = await eventually(() => shownCertificate(at.cluster, DOMAIN), { timeoutMs: 30_000 });
      await at.cluster.certificates.restart();
      await at.cluster.proxy.restart();
      const after = await eventually(() => shownCertificate(at.cluster, DOMAIN), { timeoutMs: 30_000 });
      expect(after.serialNumber).toBe(before.serialNumber);
    } finally {
      await at.close();
    }
  });
});
