/** The way of an image from the user's engine into the one that `up` started. */
import { type Docker, type DockerDaemon, startDocker, startDockerDaemon } from '@spawner/testkit';
import { buildImage } from '../../deploy/images/build.ts';
import { Engine } from '../../deploy/images/engine.ts';
import { loadImage } from '../../deploy/local/parts/load-image.ts';

const IMAGE = 'spawner/probe:latest';

describe('an image of the user', () => {
  let users: Docker;
  let own: DockerDaemon;
  const load = (image: string, dockerSocket?: string) =>
    loadImage(image, { dockerSocket }, { DOCKER_HOST: `unix://${users.socketPath}` });

  beforeAll(async () => {
    [users, own] = await Promise.all([startDocker(), startDockerDaemon()]);
    await buildImage({ name: 'probe', socketPath: users.socketPath });
  });
  afterAll(async () => {
    await own?.stop();
    await users?.stop();
  });

  it('is copied into the engine of the constellation', async () => {
    expect(await new Engine(own.socketPath).inspect(IMAGE)).toBeNull();
    expect(await load(IMAGE, own.socketPath)).toBe(`${IMAGE} is loaded, and can be spawned.`);
    expect((await new Engine(own.socketPath).inspect(IMAGE))?.tags).toContain(IMAGE);
  });

  it('needs no copy if backends run in the same engine', async () => {
    expect(await load(IMAGE, users.socketPath)).toContain('which has spawner/probe:latest already');
  });

  it.each([
    ['does not exist', 'nosuch:1', () => own.socketPath, 'no image nosuch:1 in the engine at'],
    [
      'does not exist in the shared engine',
      'nosuch:1',
      () => users.socketPath,
      'no image nosuch:1 in the engine at',
    ],
    ['has no engine to go to', IMAGE, () => undefined, 'plain processes'],
  ])('is refused with the reason if it %s', async (_, image, target, reason) => {
    await expect(load(image, target())).rejects.toThrow(reason);
  });
});
