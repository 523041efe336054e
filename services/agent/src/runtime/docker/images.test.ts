import { Readable } from 'node:stream';
import { systemClock } from '@spawner/domain';
import { BackendSpec, PullPolicy } from '@spawner/proto/v1/backend';
import { type ImageApi, Images, SeenImages } from './images.ts';

describe('SeenImages', () => {
  it('knows an image for a minute after it was seen, and no other', () => {
    const seen = new SeenImages();
    seen.add('a', 1_000);
    expect([
      seen.has('a', 1_000),
      seen.has('a', 60_999),
      seen.has('a', 61_000),
      seen.has('b', 1_000),
    ]).toEqual([true, true, false, false]);
  });

  it('forgets an image that turned out to be gone, once', () => {
    const seen = new SeenImages();
    seen.add('a', 0);
    expect([seen.forget('a'), seen.forget('a'), seen.has('a', 1)]).toEqual([true, false, false]);
  });
});

describe('the images of a drone', () => {
  const scene = () => {
    const pulled: string[] = [];
    const api: ImageApi = {
      inspect: async () => Promise.reject(Object.assign(new Error('no such image'), { statusCode: 404 })),
      pull: async (image) => {
        pulled.push(image);
        return Readable.from([]);
      },
    };
    const images = new Images(api, systemClock);
    const pull = (spec: Partial<BackendSpec>) =>
      images.pull(BackendSpec.fromPartial({ image: 'a:1', ...spec }), new AbortController().signal);
    return { pulled, pull };
  };

  it('are pulled once for all that wait for the same', async () => {
    const { pulled, pull } = scene();
    await Promise.all([{}, {}, { image: 'b:1' }, {}].map(pull));
    expect(pulled).toEqual(['a:1', 'b:1']);
  });

  it('are pulled by each that always wants the latest, or has a login of its own', async () => {
    const { pulled, pull } = scene();
    const always = { pullPolicy: PullPolicy.ALWAYS };
    await Promise.all(
      [always, always, {}, { credentials: { username: 'ann', password: 'x', identityToken: '' } }].map(pull),
    );
    expect(pulled).toHaveLength(4);
  });
});
