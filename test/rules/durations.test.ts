import { DEADLINES } from '@spawner/domain';
import { QUIET_MS } from '../../libs/client/src/watch.ts';

describe('durations of packages that cannot share a table', () => {
  it('let a client miss two heartbeats of a stream before it connects again', () => {
    expect(QUIET_MS).toBe(3 * DEADLINES.streamHeartbeat);
  });
});
