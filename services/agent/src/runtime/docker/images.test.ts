import { Readable } from 'node:stream';
import { systemClock } from '@spawner/domain';
import { BackendSpec, PullPolicy } from '@spawner/proto/v1/backend';
import { createLog } from '@spawner/service';
import { crankedClock } from '@spawner/testkit';
import { type ImageApi, Images, SeenImages } from './images.ts';

const log = createLog('test', 'silent');

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
    const images = new Images(api, { clock: systemClock, log, random: Math.random, pullsAtOnce: 3 });
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

/** An engine whose pulls a test answers, by the lines of their progress. */
function engine(pullsAtOnce: number) {
  const clock = crankedClock();
  const pulls: { image: string; lines: Readable }[] = [];
  const api: ImageApi = {
    inspect: async () => Promise.reject(Object.assign(new Error('no such image'), { statusCode: 404 })),
    pull: async (image) => {
      const lines = new Readable({ read() {} });
      pulls.push({ image, lines });
      return lines;
    },
  };
  const images = new Images(api, { clock, log, random: () => 1, pullsAtOnce });
  const spec = (image: string) => BackendSpec.fromPartial({ image });
  const begin = (image: string, signal = new AbortController().signal) => {
    const outcome = images.pull(spec(image), signal).then(
      () => 'present',
      (error: Error) => error.message,
    );
    return { outcome, progress: () => images.progress(spec(image)) };
  };
  const tell = async (at: number, ...lines: object[]) => {
    for (const line of lines) pulls[at]?.lines.push(`${JSON.stringify(line)}\n`);
    await settled();
  };
  const end = async (at: number, ...lines: object[]) => {
    await tell(at, ...lines);
    pulls[at]?.lines.push(null);
    await settled();
  };
  const settled = async () => {
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  return { clock, pulls, begin, tell, end, settled };
}

describe('a pull', () => {
  const names = (pulls: { image: string }[]) => pulls.map(({ image }) => image);

  it('waits its turn behind the pulls of other images, in order', async () => {
    const { pulls, begin, end, settled } = engine(2);
    const all = ['a:1', 'b:1', 'c:1', 'd:1', 'c:1'].map((image) => begin(image));
    await settled();
    expect(names(pulls)).toEqual(['a:1', 'b:1']);
    expect(all[2]?.progress()).toMatchObject({ layers: 0, attempts: 0 });
    await end(1);
    expect(names(pulls)).toEqual(['a:1', 'b:1', 'c:1']);
    await end(0);
    await end(2);
    await end(3);
    expect(await Promise.all(all.map(({ outcome }) => outcome))).toEqual(Array(5).fill('present'));
    expect(names(pulls)).toEqual(['a:1', 'b:1', 'c:1', 'd:1']);
  });

  it('is tried again while the failure is transient, and leaves its turn to others meanwhile', async () => {
    const { clock, pulls, begin, end, settled } = engine(1);
    const [a, b] = [begin('a:1'), begin('b:1')];
    await settled();
    await end(0, { error: 'received unexpected HTTP status: 503 Service Unavailable' });
    expect(names(pulls)).toEqual(['a:1', 'b:1']);
    expect(a.progress()).toMatchObject({ attempts: 1, lastError: expect.stringContaining('503') });
    await end(1);
    expect(await b.outcome).toBe('present');
    await clock.advance(999);
    expect(pulls).toHaveLength(2);
    await clock.advance(1);
    await settled();
    expect(names(pulls)).toEqual(['a:1', 'b:1', 'a:1']);
    await end(2);
    expect([await a.outcome, a.progress()]).toEqual(['present', undefined]);
  });

  it('is not tried again after a refusal, or after its deadline', async () => {
    const { clock, pulls, begin, end, settled } = engine(1);
    const refused = begin('a:1');
    await settled();
    await end(0, { error: 'manifest for a:1 not found: manifest unknown' });
    expect(await refused.outcome).toContain('manifest unknown');
    const deadline = new AbortController();
    const late = begin('a:1', deadline.signal);
    await settled();
    await end(1, { error: 'unexpected EOF' });
    deadline.abort(new Error('too late'));
    expect(await late.outcome).toBe('too late');
    await clock.advance(60_000);
    await settled();
    expect([pulls.length, late.progress()]).toEqual([2, undefined]);
  });

  it('tells all that wait for it how far it is', async () => {
    const { begin, tell, end, settled } = engine(1);
    const callers = [begin('a:1'), begin('a:1')];
    await settled();
    await tell(
      0,
      { id: 'x', status: 'Pulling fs layer' },
      { id: 'y', status: 'Already exists' },
      { id: 'x', status: 'Downloading', progressDetail: { current: 30, total: 40 } },
    );
    const far = { layers: 2, layersDone: 1, bytes: 40, bytesDone: 30, attempts: 1, lastError: '' };
    expect(callers.map(({ progress }) => progress())).toEqual([far, far]);
    await end(0);
    expect(callers.map(({ progress }) => progress())).toEqual([undefined, undefined]);
  });
});
