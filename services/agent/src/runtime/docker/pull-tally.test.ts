import { PullTally } from './pull-tally.ts';

const downloading = (id: string, current: number, total: number) => ({
  id,
  status: 'Downloading',
  progressDetail: { current, total },
});

describe('the progress of a pull', () => {
  it('counts layers and bytes as the engine tells them', () => {
    const tally = new PullTally();
    tally.attempt();
    tally.take({ id: '1.0', status: 'Pulling from demo' });
    for (const id of ['a', 'b', 'c']) tally.take({ id, status: 'Pulling fs layer' });
    tally.take({ id: 'd', status: 'Already exists' });
    expect(tally.progress()).toMatchObject({ layers: 4, layersDone: 1, bytes: 0, bytesDone: 0 });
    tally.take(downloading('a', 50, 100));
    tally.take(downloading('b', 10, 1_000));
    tally.take(downloading('a', 90, 100));
    expect(tally.progress()).toMatchObject({ layersDone: 1, bytes: 1_100, bytesDone: 100 });
    for (const status of ['Verifying Checksum', 'Download complete']) tally.take({ id: 'a', status });
    tally.take({ id: 'a', status: 'Extracting', progressDetail: { current: 1, total: 100 } });
    expect(tally.progress()).toMatchObject({ layersDone: 1, bytesDone: 110 });
    tally.take({ id: 'a', status: 'Pull complete' });
    expect(tally.progress()).toMatchObject({ layers: 4, layersDone: 2, bytesDone: 110 });
    tally.take({ status: 'Digest: sha256:0' });
    expect(tally.progress().layers).toBe(4);
  });

  it('begins again with each attempt, and keeps the last error', () => {
    const tally = new PullTally();
    tally.attempt();
    tally.take(downloading('a', 50, 100));
    tally.failed('unexpected EOF');
    tally.attempt();
    expect(tally.progress()).toEqual({
      layers: 0,
      layersDone: 0,
      bytes: 0,
      bytesDone: 0,
      attempts: 2,
      lastError: 'unexpected EOF',
    });
  });

  it('is bounded, whatever the engine says', () => {
    const tally = new PullTally();
    tally.attempt();
    for (let id = 0; id < 2_000; id++) tally.take({ id: String(id), status: 'Waiting' });
    tally.take(downloading('0', 200, 100));
    expect(tally.progress()).toMatchObject({ layers: 1_000, bytes: 100, bytesDone: 100 });
  });
});
