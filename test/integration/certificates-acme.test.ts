import { createPrivateKey, X509Certificate } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '@spawner/domain';
import { type Certificate, CertificatesServiceService } from '@spawner/proto/internal/certificates_service';
import { createClient } from '@spawner/rpc';
import { keysOf, openRedis, type Redis as Store } from '@spawner/store';
import {
  eventually,
  expectComplaint,
  freePort,
  type Pebble,
  type PebbleOptions,
  type Program,
  type Redis,
  request,
  startPebble,
  startProgram,
  startRedis,
  type TempDir,
  tempDir,
  testLog,
} from '@spawner/testkit';
import { AcmeIssuer } from '../../services/certificates/src/acme/acme-issuer.ts';
import { DnsChallenges } from '../../services/certificates/src/acme/dns-challenges.ts';
import { propagationTo } from '../../services/certificates/src/acme/propagation.ts';
import { CertificateStore } from '../../services/certificates/src/store/certificate-store.ts';

const log = testLog();
const keys = keysOf('test');
const domain = 'cluster.test';
const EAB_KEY = 'zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W';

const serviceMain = (name: string) => join(__dirname, `../../services/${name}/src/main.ts`);

/** The certificates on the stream of a service. */
function watch(port: number) {
  const client = createClient(CertificatesServiceService, `127.0.0.1:${port}`);
  const leaving = new AbortController();
  const seen: Certificate[] = [];
  const following = (async () => {
    for await (const { certificate } of client.watchCertificates({}, { signal: leaving.signal }))
      seen.push(certificate!);
  })().catch(() => {});
  const close = async () => {
    leaving.abort();
    await following;
    client.close();
  };
  return { seen, [Symbol.asyncDispose]: close };
}

/** The certificates of a PEM chain, leaf first. */
function chainOf({ chainPem }: Certificate): X509Certificate[] {
  return chainPem
    .split(/(?<=-----END CERTIFICATE-----\n)/)
    .filter((pem) => pem.includes('BEGIN'))
    .map((pem) => new X509Certificate(pem));
}

const accountsOf = (pebble: Pebble) => pebble.output().match(/There are now \d+ accounts in memory/g)?.length;

describe('certificates by ACME', () => {
  let redis: Redis;
  let store: Store;
  let dir: TempDir;
  let dns: Program;
  let dnsPort: number;
  let dnsGrpcPort: number;

  beforeAll(async () => {
    redis = await startRedis();
    store = await openRedis(redis.url, log);
    dir = await tempDir('certificates');
    [dnsPort, dnsGrpcPort] = [await freePort(), await freePort()];
    dns = await startService('dns', {
      SPAWNER_DNS_PORT: String(dnsPort),
      SPAWNER_DNS_GRPC_PORT: String(dnsGrpcPort),
      SPAWNER_DNS_ADMIN_PORT: '0',
    });
  });
  afterAll(async () => {
    await dns?.stop();
    await store?.close();
    await redis?.stop();
    await dir?.stop();
  });
  beforeEach(() => redis.flush());

  const startService = (name: string, env: Record<string, string>) =>
    startProgram({
      command: process.execPath,
      args: [serviceMain(name)],
      env: {
        SPAWNER_CLUSTER: 'test',
        SPAWNER_CLUSTER_DOMAIN: domain,
        SPAWNER_REDIS_URL: redis.url,
        // No server listens there: certificates are issued without a scheduler.
        SPAWNER_SCHEDULER_ADDRESS: '127.0.0.1:1',
        ...env,
      },
      ready: (line) => line.includes('"msg":"started"'),
    });
  const pebbleHere = (options: PebbleOptions = {}) =>
    startPebble({ dnsServer: `127.0.0.1:${dnsPort}`, ...options });

  async function startCertificates(pebble: Pebble, env: Record<string, string> = {}) {
    const port = await freePort();
    const adminPort = await freePort();
    const caFile = join(dir.path, 'listener-root.pem');
    await writeFile(caFile, pebble.caPem);
    const program = await startService('certificates', {
      SPAWNER_CERTIFICATES_PORT: String(port),
      SPAWNER_CERTIFICATES_ADMIN_PORT: String(adminPort),
      SPAWNER_CERTIFICATES_STATE_DIR: dir.path,
      SPAWNER_CERTIFICATES_ISSUER: 'acme',
      SPAWNER_CERTIFICATES_ACME_DIRECTORY: pebble.directoryUrl,
      SPAWNER_CERTIFICATES_ACME_EMAIL: 'admin@cluster.example',
      SPAWNER_CERTIFICATES_ACME_CA_FILE: caFile,
      SPAWNER_CERTIFICATES_DNS_ADDRESSES: `127.0.0.1:${dnsGrpcPort}`,
      SPAWNER_CERTIFICATES_DNS_RESOLVERS: `127.0.0.1:${dnsPort}`,
      ...env,
    });
    const stop = async () => {
      await program.stop();
    };
    return { program, port, adminPort, stop, [Symbol.asyncDispose]: stop };
  }
  const accountUrl = async (pebble: Pebble) =>
    String(await store.send(['HGET', keys.certificates, `account url ${pebble.directoryUrl}`]));
  const forgetCertificate = (pebble: Pebble) =>
    store.send(['HDEL', keys.certificates, `certificate acme ${pebble.directoryUrl} ${domain}`]);

  it('gets one for the apex and the wildcard, with chain and key', async () => {
    await using pebble = await pebbleHere();
    await using service = await startCertificates(pebble);
    await using stream = watch(service.port);
    await eventually(() => expect(stream.seen).toHaveLength(1), { timeoutMs: 60_000 });

    const [certificate] = stream.seen as [Certificate];
    const [leaf, intermediate] = chainOf(certificate) as [X509Certificate, X509Certificate];
    expect(leaf.checkPrivateKey(createPrivateKey(certificate.keyPem))).toBe(true);
    expect(leaf.publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
    expect(leaf.subjectAltName?.split(', ').sort()).toEqual([`DNS:*.${domain}`, `DNS:${domain}`]);
    expect(leaf.verify(intermediate.publicKey)).toBe(true);
    expect(intermediate.verify(new X509Certificate(await pebble.issuerRoots()).publicKey)).toBe(true);
    expect(certificate).toMatchObject({
      domains: [domain, `*.${domain}`],
      notBefore: new Date(leaf.validFrom),
      notAfter: new Date(leaf.validTo),
    });

    await eventually(async () => expect(await store.send(['ZCARD', keys.challenges])).toBe(0));
    const { body } = await request({ port: service.adminPort, path: '/metrics' });
    expect(body).toMatch(/spawner_certificates_issued_total(\{[^}]*\})? 1/);
    expect(body).toMatch(/spawner_certificates_expiry(\{[^}]*\})? [1-9]/);
  });

  it('is issued once for many services, and survives restarts', async () => {
    await using pebble = await pebbleHere();
    await using one = await startCertificates(pebble);
    await using first = watch(one.port);
    await eventually(() => expect(first.seen).toHaveLength(1), { timeoutMs: 60_000 });
    await using two = await startCertificates(pebble);
    await using second = watch(two.port);
    await eventually(() => expect(second.seen).toHaveLength(1));
    expect(second.seen).toEqual(first.seen);
    expect(two.program.output()).not.toContain('certificate issued');
  });

  it('is renewed when a third of its lifetime is left, with the same account, and pushed to watchers', async () => {
    await using pebble = await pebbleHere({ certificateValidityPeriodSeconds: 20 });
    await using service = await startCertificates(pebble);
    await using stream = watch(service.port);
    await eventually(() => expect(stream.seen).toHaveLength(1), { timeoutMs: 60_000 });
    const account = await accountUrl(pebble);
    await eventually(() => expect(stream.seen).toHaveLength(2), { timeoutMs: 60_000 });

    const [old, renewed] = stream.seen as [Certificate, Certificate];
    expect(chainOf(renewed)[0]?.serialNumber).not.toBe(chainOf(old)[0]?.serialNumber);
    expect(renewed.keyPem).not.toBe(old.keyPem);
    expect(renewed.notBefore!.getTime()).toBeLessThan(old.notAfter!.getTime());
    expect(await accountUrl(pebble)).toBe(account);
    expect(accountsOf(pebble)).toBe(1);
  });

  it('binds its account to an external one, and uses it again after a restart', async () => {
    await using pebble = await pebbleHere({ eab: { 'kid-1': EAB_KEY } });
    const keyFile = join(dir.path, 'eab.key');
    await writeFile(keyFile, `${EAB_KEY}\n`);
    const binding = {
      SPAWNER_CERTIFICATES_ACME_EAB_KID: 'kid-1',
      SPAWNER_CERTIFICATES_ACME_EAB_HMAC_KEY_FILE: keyFile,
    };
    const issueOnce = async () => {
      await using service = await startCertificates(pebble, binding);
      await using stream = watch(service.port);
      await eventually(() => expect(stream.seen).toHaveLength(1), { timeoutMs: 60_000 });
      expect(service.program.output()).not.toContain(EAB_KEY);
      return stream.seen[0]!;
    };
    const first = await issueOnce();
    const account = await accountUrl(pebble);
    await forgetCertificate(pebble);
    const second = await issueOnce();
    expect(second.chainPem).not.toBe(first.chainPem);
    expect(await accountUrl(pebble)).toBe(account);
    expect(accountsOf(pebble)).toBe(1);
  });

  it('recovers if the ACME server forgot its account', async () => {
    await using pebble = await pebbleHere();
    const challenges = new DnsChallenges(
      [`127.0.0.1:${dnsGrpcPort}`],
      propagationTo([`127.0.0.1:${dnsPort}`], systemClock),
      systemClock,
      log,
    );
    const options = { directory: pebble.directoryUrl, email: '', rootPem: pebble.caPem };
    const accounts = new CertificateStore(store, keys.certificates);
    const issuer = new AcmeIssuer({ ...options, store: accounts, challenges, log });
    const issue = () => issuer.issue([domain, `*.${domain}`], new AbortController().signal);
    await issue();
    const key = () => store.send(['HGET', keys.certificates, `account key ${pebble.directoryUrl}`]);
    const before = await key();
    await pebble.restart();
    await expect(issue()).rejects.toThrow('the ACME server accepted no order');
    await expect(issue()).resolves.toHaveProperty('chainPem');
    expect(await key()).toEqual(before);
    challenges.close();
  });

  it('logs why it has none, and leaves the ACME server alone for a while', async () => {
    await using pebble = await pebbleHere({ eab: { 'kid-1': EAB_KEY } });
    expectComplaint(/certificates: no certificate was issued/);
    await using service = await startCertificates(pebble);
    await eventually(() => expect(service.program.output()).toContain('no certificate was issued'));
    const ready = await request({ port: service.adminPort, path: '/readyz' });
    expect(ready.status).toBe(503);
    expect(JSON.parse(ready.body).waiting_for).toContain('a certificate');
    const { again_in_ms: againInMs } = JSON.parse(
      service.program.lines.find((line) => line.includes('no certificate was issued'))!,
    );
    expect(againInMs).toBeGreaterThanOrEqual(15_000);
    expect(Number(await store.send(['PTTL', keys.certificatesLease]))).toBeGreaterThan(10_000);
  });
});
