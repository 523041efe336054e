import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DnsServiceService } from '@spawner/proto/internal/dns_service';
import { Node, NodeKind, type Node as NodeOf } from '@spawner/proto/internal/node';
import { RouteState } from '@spawner/proto/internal/route';
import { RenewVerdict, SchedulerServiceService } from '@spawner/proto/internal/scheduler_service';
import { createClient, type Handlers, implement, type RpcServer, serveRpc } from '@spawner/rpc';
import { encodeRow, keysOf, newRoute, openRedis, type Route, type Redis as Store } from '@spawner/store';
import {
  eventually,
  freePort,
  type Program,
  type Redis,
  request,
  startProgram,
  startRedis,
  testLog,
} from '@spawner/testkit';
import { Packet, TCPClient, UDPClient } from 'dns2';
import { processTimeMs } from '../bench/process-time.ts';

const run = promisify(execFile);
const log = testLog();
const keys = keysOf('test');
const domain = 'cluster.test';
const [one, two, starting, ended] = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(26)) as [
  string,
  string,
  string,
  string,
];

/** A scheduler that lists these proxies and accepts every node. */
async function fakeScheduler(first: NodeOf[]) {
  const registered: NodeOf[] = [];
  let list = { version: 1, proxies: first };
  let known = 0;
  const never = async () => {
    throw new Error('not asked in this test');
  };
  const handlers: Handlers<typeof SchedulerServiceService> = {
    spawnBackend: never,
    getBackend: never,
    listBackends: never,
    explainBackend: never,
    terminateBackend: never,
    createConnectionToken: never,
    revokeConnectionTokens: never,
    // biome-ignore lint/correctness/useYield: it is never called
    tailLogs: async function* () {
      await never();
    },
    listDrones: never,
    forgetDrone: never,
    suspendRoute: never,
    settleRoute: never,
    registerNode: async ({ node }) => {
      registered.push(node!);
      return { registration: registered.length, stops: [], proxies: list, ended: [] };
    },
    renewNode: async ({ proxiesVersion }) => {
      known = proxiesVersion;
      const proxies = proxiesVersion === list.version ? undefined : list;
      return { verdict: RenewVerdict.GRANTED, stops: [], ended: [], proxies };
    },
  };
  const services = [implement(SchedulerServiceService, handlers)];
  const server: RpcServer = await serveRpc({ address: '127.0.0.1', port: 0, log, services });
  const setProxies = (proxies: NodeOf[]) => {
    list = { version: list.version + 1, proxies };
  };
  /** Resolves when the server has the present list. */
  const heard = () => eventually(() => known === list.version);
  return { registered, setProxies, heard, port: server.port, close: () => server.close() };
}

/** Writes routes as the scheduler does: table, log and head together. */
function routeWriter(store: Store) {
  let n = 0;
  return async (route: Partial<Route>) => {
    n += 1;
    const row = newRoute({ epoch: n, ...route });
    const bytes = encodeRow(row);
    const { backendId: id, epoch } = row;
    await store.send(['HSET', keys.routes, id, bytes]);
    await store.send(['HSET', keys.routeHead, 'epoch', '1', 'n', String(n)]);
    await store.send(['XADD', keys.routeLog, `1-${n}`, 'id', id, 'epoch', String(epoch), 'route', bytes]);
  };
}

const proxy = (id: string, droneId: string, ...publicAddresses: string[]) =>
  Node.fromPartial({ kind: NodeKind.PROXY, id, droneId, publicAddresses });
const proxies = [
  proxy('p2', 'd2', '192.0.2.2', '2001:db8::2'),
  proxy('p1', 'd1', '192.0.2.1', '2001:db8::1'),
  { ...proxy('p3', '', '192.0.2.3'), lapsed: true },
];

describe('the dns service', () => {
  let redis: Redis;
  let store: Store;
  let scheduler: Awaited<ReturnType<typeof fakeScheduler>>;
  let program: Program;
  let writeRoute: ReturnType<typeof routeWriter>;
  let port: number;
  let adminPort: number;
  let grpcPort: number;

  beforeAll(async () => {
    redis = await startRedis();
    store = await openRedis(redis.url, log);
    scheduler = await fakeScheduler(proxies);
    writeRoute = routeWriter(store);
    const network = { host: '10.0.0.1', port: 40_000 };
    const local = { host: '172.20.0.2', port: 8080 };
    await writeRoute({ backendId: one, state: RouteState.OPEN, droneId: 'd1', local, network });
    await writeRoute({ backendId: two, state: RouteState.OPEN, droneId: 'd2', local });
    [port, adminPort, grpcPort] = [await freePort(), await freePort(), await freePort()];
    program = await startProgram({
      command: process.execPath,
      args: [join(__dirname, '../../services/dns/src/main.ts')],
      env: {
        SPAWNER_CLUSTER: 'test',
        SPAWNER_CLUSTER_DOMAIN: domain,
        SPAWNER_REDIS_URL: redis.url,
        SPAWNER_SCHEDULER_ADDRESS: `127.0.0.1:${scheduler.port}`,
        SPAWNER_DNS_PORT: String(port),
        SPAWNER_DNS_LISTEN_ADDRESS: '0.0.0.0',
        SPAWNER_DNS_GRPC_PORT: String(grpcPort),
        SPAWNER_DNS_ADMIN_PORT: String(adminPort),
        SPAWNER_DNS_NAMESERVERS: `ns.${domain},ns.elsewhere.test`,
        SPAWNER_DNS_PUBLIC_ADDRESSES: '198.51.100.1,2001:db8::53',
        SPAWNER_DNS_ADMIN_EMAIL: 'first.last@elsewhere.test',
        SPAWNER_DNS_CAA: 'letsencrypt.org',
        SPAWNER_DNS_TCP_IDLE_MS: '300',
        SPAWNER_DNS_TCP_CONNECTIONS: '3',
      },
      ready: (line) => line.includes('"msg":"started"'),
    });
    await eventually(async () => (await request({ port: adminPort, path: '/readyz' })).status === 200);
  });
  afterAll(async () => {
    await program?.stop();
    await scheduler?.close();
    await store?.close();
    await redis?.stop();
  });

  const dig = async (...args: string[]) => {
    const options = ['-p', String(port), '+norecurse', '+tries=1', '+time=20', '+nocookie', ...args];
    return (await run('dig', args[0]?.startsWith('@') ? options : ['@127.0.0.1', ...options])).stdout;
  };
  const short = async (...args: string[]) => (await dig(...args, '+short')).trim().split('\n');
  const dns = () => createClient(DnsServiceService, `127.0.0.1:${grpcPort}`);
  const udp = (bytes: Buffer, waitMs = 20_000) =>
    new Promise<Buffer | undefined>((resolve, reject) => {
      const socket = createSocket('udp4');
      const done = (answer?: Buffer) => {
        clearTimeout(late);
        socket.close();
        resolve(answer);
      };
      const late = setTimeout(done, waitMs);
      socket.once('error', reject).once('message', done).send(bytes, port, '127.0.0.1');
    });
  const question = (name: string, type = 'A') => {
    const packet = new Packet();
    packet.header = new Packet.Header({ id: 99 });
    packet.questions = [new Packet.Question(name, Packet.TYPE[type as 'A'], Packet.CLASS.IN)];
    return packet.toBuffer();
  };

  it('registers as a dns node', () => {
    expect(scheduler.registered).toMatchObject([{ kind: NodeKind.DNS, rpcAddress: `127.0.0.1:${grpcPort}` }]);
  });

  it('names the proxies of each backend, its drone’s first, and no lapsed one', async () => {
    expect(await short(`${one}.${domain}`, 'A')).toEqual(['192.0.2.1', '192.0.2.2']);
    expect(await short(`${two}.${domain}`, 'A')).toEqual(['192.0.2.2']);
    expect(await short(`${one}.${domain}`, 'AAAA')).toEqual(['2001:db8::1', '2001:db8::2']);
    expect(await short(domain, 'A')).toEqual(['192.0.2.2', '192.0.2.1']);
  });

  it('answers dns2’s own client over UDP and TCP', async () => {
    for (const client of [UDPClient, TCPClient]) {
      const resolve = client({ dns: '127.0.0.1', port });
      const { answers } = await resolve(`${two}.${domain}`, 'A');
      expect(answers).toMatchObject([{ address: '192.0.2.2', ttl: 10 }]);
    }
  });

  it('answers over UDP from the address that was asked, though it listens on all of them', async () => {
    expect(await short('@127.0.0.2', `${two}.${domain}`, 'A')).toEqual(['192.0.2.2']);
  });

  it('follows a backend from starting to its end', async () => {
    const asked = () => dig(`${starting}.${domain}`, 'A');
    expect(await asked()).toContain('status: NXDOMAIN');
    await writeRoute({ backendId: starting, state: RouteState.PENDING, droneId: 'd1' });
    await eventually(async () => expect(await asked()).toContain('192.0.2.1'));
    await writeRoute({ backendId: starting, state: RouteState.ENDED, droneId: 'd1' });
    await eventually(async () => expect(await asked()).toContain('status: NXDOMAIN'));
  });

  it('has SOA, NS with glue, and CAA', async () => {
    const soa = `ns.${domain}. first\\.last.elsewhere.test. [0-9]+ 3600 600 604800 5`;
    expect(await short(domain, 'SOA')).toEqual([
      expect.stringMatching(new RegExp(soa.replaceAll('\\', '\\\\'))),
    ]);
    const ns = await dig(domain, 'NS');
    expect(ns).toMatch(/flags: qr aa; QUERY: 1, ANSWER: 2, AUTHORITY: 0, ADDITIONAL: 3/);
    expect(ns).toMatch(/ns\.cluster\.test\.\s+300\s+IN\s+A\s+198\.51\.100\.1/);
    expect(await short(domain, 'CAA')).toEqual(['0 issue "letsencrypt.org"']);
  });

  it.each([
    ['NXDOMAIN', `${ended}.${domain}`, 'A'],
    ['NOERROR', `${one}.${domain}`, 'MX'],
    ['NOERROR', domain, 'TXT'],
  ])('denies with %s and the SOA: %s %s', async (status, name, type) => {
    const answer = await dig(name, type);
    expect(answer).toContain(`status: ${status}`);
    expect(answer).toMatch(/flags: qr aa; QUERY: 1, ANSWER: 0, AUTHORITY: 1/);
    expect(answer).toMatch(/cluster\.test\.\s+5\s+IN\s+SOA/);
  });

  it('refuses names outside its zone', async () => {
    expect(await dig('example.com', 'A')).toMatch(/status: REFUSED[\s\S]*flags: qr; QUERY: 1, ANSWER: 0/);
    expect(await dig('version.bind', 'TXT', '-c', 'CH')).toContain('status: REFUSED');
    expect(await dig(domain, 'AXFR', '+tcp')).toContain('Transfer failed');
  });

  it('keeps the case of the question (0x20)', async () => {
    const asked = `${'aA'.repeat(13)}.CluSter.tEST`;
    const answer = await udp(question(asked));
    expect(answer?.includes(Buffer.from('CluSter'))).toBe(true);
    expect(await dig(asked, 'A')).toMatch(new RegExp(`${asked}\\.\\s+10\\s+IN\\s+A\\s+192.0.2.1`));
  });

  it('speaks EDNS 0 and tells a client of EDNS 1 so', async () => {
    expect(await dig(domain, 'SOA')).toContain('EDNS: version: 0, flags:; udp: 1232');
    expect(await dig('+edns=1', '+noednsnegotiation', domain, 'SOA')).toMatch(
      /status: BADVERS[\s\S]*ANSWER: 0[\s\S]*EDNS: version: 0/,
    );
    expect(await dig('+ednsopt=100:abcd', '+dnssec', domain, 'SOA')).toMatch(
      /NOERROR[\s\S]*flags: do; udp: 1232/,
    );
    expect(await dig('+noedns', domain, 'SOA')).not.toContain('EDNS');
  });

  it('answers other opcodes with NOTIMP and ANY with HINFO', async () => {
    expect(await dig('+opcode=NOTIFY', domain, 'SOA')).toContain('status: NOTIMP');
    expect(await dig('+tcp', domain, 'ANY')).toContain('HINFO\t"RFC8482" ""');
  });

  it('serves challenges as soon as they are set, several per name, until they are cleared', async () => {
    const client = dns();
    const name = `_acme-challenge.${domain}`;
    const values = () => short(name, 'TXT').then((lines) => lines.filter(Boolean).sort());
    for (const value of ['first', 'second']) await client.setChallenge({ name, value, ttlMs: 60_000 });
    expect(await values()).toEqual(['"first"', '"second"']);
    await client.clearChallenge({ name: name.toUpperCase(), value: 'first' });
    await client.clearChallenge({ name, value: 'not-there' });
    expect(await values()).toEqual(['"second"']);
    await client.setChallenge({ name: `_acme-challenge.a.b.${domain}`, value: 'deep', ttlMs: 3_000 });
    expect(await dig(`b.${domain}`, 'A')).toContain('status: NOERROR');
    await eventually(async () => expect(await dig(`b.${domain}`, 'A')).toContain('status: NXDOMAIN'));

    await store.send(['ZADD', keys.challenges, '9999999999999', `${name} another-server`]);
    await eventually(async () => expect(await values()).toEqual(['"another-server"', '"second"']));
    client.close();
  });

  it('accepts no challenge outside the zone, and no more than 64', async () => {
    const client = dns();
    const set = (name: string, value = 'v', ttlMs = 60_000) => client.setChallenge({ name, value, ttlMs });
    for (const name of [
      domain,
      '_acme-challenge.example.com',
      `_acme-challenge.evil${domain}`,
      `x.${domain}`,
    ])
      await expect(set(name)).rejects.toMatchObject({ code: 'invalid', violations: [{ field: 'name' }] });
    await expect(set(`_acme-challenge.${domain}`, 'two words', 0)).rejects.toMatchObject({
      violations: [{ field: 'value' }, { field: 'ttl_ms' }],
    });

    const name = `_acme-challenge.many.${domain}`;
    const added = await Promise.allSettled(Array.from({ length: 70 }, (_, at) => set(name, `value-${at}`)));
    const refused = added.filter(({ status }) => status === 'rejected');
    expect(refused).toHaveLength(70 - (64 - 2));
    await expect(set(name, 'one-more')).rejects.toMatchObject({ code: 'exhausted' });
    await expect(set(name, 'value-0')).resolves.toEqual({});

    const cut = await dig('+ignore', name, 'TXT');
    expect(cut).toMatch(/flags: qr aa tc; QUERY: 1, ANSWER: 0/);
    expect((await short(name, 'TXT')).length).toBeGreaterThan(50);
    for (let at = 0; at < 70; at++) await client.clearChallenge({ name, value: `value-${at}` });
    client.close();
  });

  it('answers many queries on one TCP connection, in any chunking', async () => {
    const message = question(`${two}.${domain}`);
    const framed = Buffer.concat([Buffer.from([0, message.length]), message]);
    const socket = connect(port, '127.0.0.1');
    let [received, closed] = [0, false];
    socket.on('data', (chunk) => {
      received += chunk.length;
    });
    socket.once('close', () => {
      closed = true;
    });
    const all = Buffer.concat(Array(500).fill(framed));
    for (let at = 0; at < all.length; at += 777) socket.write(all.subarray(at, at + 777));
    const answerBytes = 2 + (await udp(message))!.length;
    await eventually(() => expect(received).toBe(500 * answerBytes));
    await eventually(() => expect(closed).toBe(true));
  });

  it('closes TCP connections beyond its limit, and trickling ones', async () => {
    const closed: number[] = [];
    const sockets = Array.from({ length: 6 }, (_, at) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('close', () => closed.push(at)).on('error', () => {});
      return socket;
    });
    const trickle = setInterval(() => sockets.forEach((socket) => void socket.write('\xff')), 50);
    await eventually(() => expect(closed.length).toBeGreaterThanOrEqual(3));
    await eventually(() => expect(closed).toHaveLength(6));
    clearInterval(trickle);
    expect(await short('+tcp', `${two}.${domain}`)).toEqual(['192.0.2.2']);
  });

  it('answers malformed packets within milliseconds, or not at all, and keeps working', async () => {
    const lies = Buffer.alloc(42, 0xc0);
    lies.writeUInt16BE(0, 2);
    for (const at of [4, 6, 8, 10]) lies.writeUInt16BE(0xffff, at);
    for (const questions of [0xffff, 1]) {
      lies.writeUInt16BE(questions, 4);
      const before = processTimeMs(program.pid);
      const answer = await udp(lies);
      expect(processTimeMs(program.pid) - before).toBeLessThan(100);
      expect(answer!.readUInt16BE(2) & 0xf).toBe(1);
    }
    const response = question(domain);
    response.writeUInt16BE(0x8000, 2);
    expect(await udp(response, 100)).toBeUndefined();
    expect(await udp(Buffer.from('short'), 100)).toBeUndefined();
    for (let at = 12; at < 40; at++) await udp(question(`${one}.${domain}`).subarray(0, at), 1_000);
    expect(await short(`${two}.${domain}`)).toEqual(['192.0.2.2']);
  });

  it('follows proxies that come and go', async () => {
    const [second, ...others] = proxies;
    const late = proxy('p9', 'd2', '192.0.2.9');
    const asked = () => short(`${two}.${domain}`);
    scheduler.setProxies([late, { ...second!, lapsed: true }, ...others]);
    await eventually(async () => expect(await asked()).toEqual(['192.0.2.9']));
    scheduler.setProxies([late, ...others]);
    await scheduler.heard();
    expect(await asked()).toEqual(['192.0.2.9']);
    scheduler.setProxies([...proxies, { ...late, lapsed: true }]);
    await eventually(async () => expect(await asked()).toEqual(['192.0.2.2']));
  });

  it('still names proxies that a restarted scheduler does not know yet', async () => {
    scheduler.setProxies([]);
    await scheduler.heard();
    expect(await short(`${one}.${domain}`)).toEqual(['192.0.2.1', '192.0.2.2']);
    expect(await short(`${two}.${domain}`)).toEqual(['192.0.2.2']);
    scheduler.setProxies(proxies);
    await scheduler.heard();
    expect(await short(`${one}.${domain}`)).toEqual(['192.0.2.1', '192.0.2.2']);
  });

  it('counts its answers by type and code', async () => {
    const { body } = await request({ port: adminPort, path: '/metrics' });
    expect(body).toMatch(
      /spawner_dns_queries_total\{[^}]*type="A",rcode="NXDOMAIN",transport="udp"[^}]*\} [1-9]/,
    );
    expect(body).toMatch(
      /spawner_dns_queries_total\{[^}]*type="none",rcode="FORMERR",transport="udp"[^}]*\} [1-9]/,
    );
  });

  it('still answers while Redis is away, and follows again when it is back', async () => {
    await redis.kill();
    expect(await short(`${one}.${domain}`)).toEqual(['192.0.2.1', '192.0.2.2']);
    const client = dns();
    const challenge = { name: `_acme-challenge.${domain}`, value: 'v', ttlMs: 60_000 };
    await expect(client.setChallenge(challenge)).rejects.toMatchObject({ code: 'unavailable' });
    await redis.start();
    await eventually(() => client.setChallenge(challenge));
    expect(await short(challenge.name, 'TXT')).toEqual(['"v"']);
    client.close();
  });
});
