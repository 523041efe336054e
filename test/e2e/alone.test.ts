/** A proxy that starts while no other part is there: it serves from its snapshot, and asks the drone's agent what still holds. */
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RouteState } from '@spawner/proto/internal/route';
import type { Route } from '@spawner/store';
import { eventually, request, type TempDir, tempDir } from '@spawner/testkit';
import { SnapshotFiles } from '../../services/proxy/src/snapshot/snapshot.ts';
import { type BackendJson, type Cluster, startCluster } from '../cluster/cluster.ts';

const spec = { image: 'spawner/probe:latest', idleTimeoutMs: 0 };

describe('a proxy whose whole control plane is gone', () => {
  let dir: TempDir;
  let cluster: Cluster;
  let kept: SnapshotFiles;
  beforeAll(async () => {
    dir = await tempDir('proxy-state');
    cluster = await startCluster({
      runtime: 'process',
      https: true,
      redisKeeps: true,
      env: { proxy: { SPAWNER_PROXY_STATE_DIR: dir.path } },
    });
    kept = new SnapshotFiles(dir.path, { cluster: cluster.name, clusterDomain: cluster.domain });
  });
  afterAll(async () => {
    await cluster?.stop();
    await dir?.stop();
  });

  const plane = () => [cluster.gateway, cluster.scheduler, cluster.certificates, cluster.dns];
  const loseThePlane = async () => {
    await Promise.all(plane().map((service) => service.kill()));
    await Promise.all([cluster.redis.kill(), cluster.nats.kill()]);
  };
  const bringThePlaneBack = async () => {
    await Promise.all([cluster.redis.start(), cluster.nats.start()]);
    await Promise.all(plane().map((service) => service.start()));
    await Promise.all([...plane(), cluster.agent, cluster.proxy].map((service) => service.ready()));
  };
  const status = async (id: string) => (await cluster.fetchBackend(id)).status;
  const keptRow = (id: string) =>
    kept.readRoutes()?.rows.find((row) => row.kind === 'backend' && row.backendId === id) as
      | Route
      | undefined;
  /** Until a kill of the proxy finds them on its disk. */
  const areKept = (...backends: BackendJson[]) =>
    eventually(() => {
      for (const { id } of backends) expect(keptRow(id)?.state).toBe(RouteState.OPEN);
      expect(kept.readCertificate()).toBeDefined();
    });
  const getTls = async (id: string) => {
    const ca = await readFile(join(cluster.certificatesDir, 'ca.pem'), 'utf8');
    const port = cluster.proxy.ports.SPAWNER_PROXY_HTTPS_PORT!;
    return request({ port, host: `${id}.${cluster.domain}`, path: '/name', tls: { ca } });
  };

  it('keeps what it needs for itself alone', async () => {
    await areKept(await cluster.spawnReady(spec));
    for (const file of ['routes', 'certificate']) {
      const { mode, size } = await stat(join(dir.path, file));
      expect([mode & 0o777, size > 0]).toEqual([0o600, true]);
    }
    expect((await stat(dir.path)).mode & 0o777).toBe(0o700);
  });

  it('serves what its agent still has, refuses what has ended or cannot be verified, and joins again when it can', async () => {
    const [living, doomed, other] = [
      await cluster.spawnReady(spec),
      await cluster.spawnReady(spec),
      await cluster.spawnReady(spec),
    ];
    await areKept(living, doomed, other);
    await loseThePlane();
    await cluster.proxy.kill();
    const { port } = keptRow(doomed.id)?.local ?? { port: 0 };
    await request({ port, path: '/exit/0' });
    await cluster.proxy.start();
    await cluster.proxy.ready();

    expect(await status(living.id)).toBe(200);
    expect((await getTls(living.id)).status).toBe(200);
    const socket = await cluster.openWebSocket(living.id, '/echo');
    const echoed = new Promise((resolve) => socket.once('message', (data) => resolve(String(data))));
    socket.send('still here');
    expect(await echoed).toBe('echo: still here');
    await eventually(async () => expect(await status(doomed.id)).toBe(410));
    expect((await cluster.fetchBackend(doomed.id)).body).toContain('EXITED');

    await cluster.agent.kill();
    const refused = await cluster.fetchBackend(other.id);
    expect([refused.status, refused.headers['retry-after']]).toEqual([503, '1']);
    await expect(cluster.openWebSocket(other.id)).rejects.toThrow('503');
    expect(await status(living.id)).toBe(200);
    await cluster.agent.start();
    await eventually(async () => expect(await status(other.id)).toBe(200));

    await bringThePlaneBack();
    expect(socket.readyState).toBe(socket.OPEN);
    socket.close();
    expect([await status(living.id), await status(other.id)]).toEqual([200, 200]);
    expect(await status(doomed.id)).toBe(410);
    const late = await cluster.spawnReady(spec);
    // Until the proxy has joined the store again, it cannot know of a new backend, and asks its client to try again.
    const answers: number[] = [];
    await eventually(async () => {
      answers.push(await status(late.id));
      expect(answers.at(-1)).toBe(200);
    });
    expect(answers.filter((each) => each !== 200 && each !== 503)).toEqual([]);
    const idle = await cluster.spawn({ ...spec, idleTimeoutMs: 1_000 });
    expect(await status(idle.id)).toBe(200);
    expect(await cluster.inState(idle.id, 'TERMINATED', 60_000)).toMatchObject({ endReason: 'IDLE' });
    await eventually(async () => expect(await status(idle.id)).toBe(410));
  });

  it('does not take up a file that was cut off, says so, and waits for the others', async () => {
    const living = await cluster.spawnReady(spec);
    await areKept(living);
    await loseThePlane();
    await cluster.proxy.kill();
    const file = join(dir.path, 'routes');
    const whole = await readFile(file);
    await writeFile(file, whole.subarray(0, whole.length - 100));
    await cluster.proxy.start();
    await eventually(() =>
      expect(cluster.proxy.log()).toContain('the snapshot of the routes cannot be used'),
    );
    await eventually(async () =>
      expect(JSON.parse(await cluster.proxy.admin('/readyz'))).toMatchObject({ ready: false }),
    );
    await expect(status(living.id)).rejects.toThrow('ECONNREFUSED');
    await bringThePlaneBack();
    expect(await status(living.id)).toBe(200);
    await areKept(living);
  });
});
