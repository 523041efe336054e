import { QueuePositions } from './queue-positions.ts';

function scene() {
  const clock = { at: 0, now: () => clock.at };
  const positions = new QueuePositions('here', clock);
  const tell = (droneId: string, ids: string[], cluster = 'here') => {
    const waiting = ids.map((id, at) => ({ id, expectedWaitMs: 1_000 * (at + 1) }));
    positions.take({ droneId, cluster, waiting });
  };
  const of = (id: string) => positions.of(id)?.position;
  return { clock, positions, tell, of };
}

describe('queue positions', () => {
  it('are those of the last message of each drone', () => {
    const { tell, of } = scene();
    tell('d', ['a', 'b', 'c']);
    tell('e', ['x']);
    expect(['a', 'b', 'c', 'x', 'y'].map(of)).toEqual([1, 2, 3, 1, undefined]);
    tell('d', ['c', 'a']);
    expect(['a', 'b', 'c', 'x'].map(of)).toEqual([2, undefined, 1, 1]);
    tell('d', []);
    expect(['a', 'c', 'x'].map(of)).toEqual([undefined, undefined, 1]);
  });

  it('have the pull of a backend instead while it waits for its image', () => {
    const { clock, positions } = scene();
    const pull = { layers: 3, layersDone: 1, bytes: 100, bytesDone: 60, attempts: 1, lastError: '' };
    const pulling = [{ id: 'p', pull }];
    positions.take({ droneId: 'd', cluster: 'here', waiting: [{ id: 'a' }], pulling });
    expect([positions.of('p'), positions.pullOf('p'), positions.pullOf('a')]).toEqual([
      undefined,
      pull,
      undefined,
    ]);
    clock.at = 5_001;
    expect(positions.pullOf('p')).toBeUndefined();
    positions.take({ droneId: 'd', cluster: 'here', waiting: [{ id: 'p' }] });
    expect([positions.of('p')?.position, positions.pullOf('p')]).toEqual([1, undefined]);
  });

  it('ignore other clusters', () => {
    const { tell, of } = scene();
    tell('d', ['a']);
    tell('d', [], 'elsewhere');
    expect(of('a')).toBe(1);
  });

  it('shorten the wait as time passes, and expire five seconds after their message', () => {
    const { clock, positions, tell } = scene();
    tell('d', ['a', 'b']);
    clock.at = 1_500;
    expect(positions.of('a')).toEqual({ position: 1, expectedWaitMs: 0 });
    expect(positions.of('b')).toEqual({ position: 2, expectedWaitMs: 500 });
    clock.at = 5_001;
    expect(positions.of('b')).toBeUndefined();
    tell('e', []);
    expect(positions.size).toBe(0);
  });

  it('have no wait if the drone tells none', () => {
    const { positions } = scene();
    positions.take({ droneId: 'd', cluster: 'here', waiting: [{ id: 'a' }] });
    expect(positions.of('a')).toEqual({ position: 1, expectedWaitMs: undefined });
  });

  it('are bounded: a queue that does not fit is left out', () => {
    const { positions, tell, of } = scene();
    tell(
      'd',
      Array.from({ length: 60_000 }, (_, at) => `d${at}`),
    );
    tell(
      'e',
      Array.from({ length: 60_000 }, (_, at) => `e${at}`),
    );
    expect([positions.size, of('d59999'), of('e0')]).toEqual([60_000, 60_000, undefined]);
  });

  it('call the followers of one that comes, moves or is over, until they close', () => {
    const { positions, tell } = scene();
    let called = 0;
    const following = positions.follow('b', () => called++);
    tell('d', ['a']);
    expect(called).toBe(0);
    tell('d', ['a', 'b']);
    tell('d', ['b']);
    tell('d', []);
    expect(called).toBe(3);
    following.close();
    tell('d', ['b']);
    expect(called).toBe(3);
  });
});
