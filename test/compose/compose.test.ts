/** The deployment by Compose, for real: images built by the Dockerfile, the stack up, a session spawned and used in it. */
import { once } from 'node:events';
import { type DockerDaemon, eventually, startDockerDaemon, type TempDir, tempDir } from '@spawner/testkit';
import { buildImage } from '../../deploy/images/build.ts';
import { apiOf, edgeOf } from '../cluster/api.ts';
import { makeBaseImages } from './base-images.ts';
import { makeBuildContext } from './build-context.ts';
import { type Stack, startStack } from './stack.ts';

jest.setTimeout(600_000);

let docker: DockerDaemon;
let checkout: TempDir;
let stack: Stack;

beforeAll(async () => {
  docker = await startDockerDaemon();
  checkout = await tempDir('checkout');
  await Promise.all([makeBaseImages(docker.socketPath), makeBuildContext(checkout.path)]);
  await buildImage({ name: 'probe', socketPath: docker.socketPath });
  stack = await startStack(checkout.path, docker.socketPath);
});

afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
  await checkout?.stop();
  await docker?.stop();
});

const withLogs = async (error: unknown) => {
  throw new Error(`${(error as Error).message}\n${await stack.logs()}`, { cause: error });
};

describe('the compose stack', () => {
  it('comes up healthy, every service of it', async () => {
    const health = () => stack.health();
    await eventually(
      async () => {
        const all = await health();
        expect(Object.keys(all).toSorted()).toEqual([
          'agent',
          'certificates',
          'dns',
          'gateway',
          'nats',
          'proxy',
          'redis',
          'scheduler',
        ]);
        expect(Object.values(all).filter((each) => each !== 'healthy')).toEqual([]);
      },
      { timeoutMs: 90_000, everyMs: 500 },
    ).catch(withLogs);
  });

  it('runs the proxy with the allocator that its image names', async () => {
    expect(await stack.inside('proxy', ['cat', '/proc/1/maps'])).toContain('/libjemalloc.so.2');
  });

  it('spawns a session that answers over HTTP and WebSocket, and ends it', async () => {
    const api = apiOf(stack.ports.SPAWNER_GATEWAY_HTTP_PORT, (error) => error);
    const edge = edgeOf(stack.ports.SPAWNER_PROXY_HTTP_PORT, 'spawner.localhost');
    const two = ['one', 'two'].map((name) =>
      api.spawnReady({ image: 'spawner/probe:latest', env: { NAME: name } }),
    );
    const [one, other] = await Promise.all(two).catch(withLogs);
    expect((await edge.fetchBackend(one!.id, '/name')).body).toBe('one');
    expect((await edge.fetchBackend(other!.id, '/name')).body).toBe('two');

    const socket = await edge.openWebSocket(one!.id, '/');
    socket.send('hello');
    const [message] = (await once(socket, 'message')) as [Buffer];
    expect(message.toString()).toBe('echo: hello');
    socket.close();

    await api.terminate(one!.id);
    const ended = await api.inState(one!.id, 'TERMINATED');
    expect(ended.endReason).toBe('REQUESTED');
    expect((await edge.fetchBackend(one!.id, '/')).status).toBe(410);
    expect((await edge.fetchBackend(other!.id, '/name')).body).toBe('two');
  });
});
