import { DEADLINES } from '@spawner/domain';
import { tempDir } from '@spawner/testkit';
import { fencingAt, Lease } from './lease.ts';
import { StateDir } from './state-dir.ts';

describe('fencingAt', () => {
  it.each([
    [0, 'none'],
    [DEADLINES.leaseStop - 1, 'none'],
    [DEADLINES.leaseStop, 'stop'],
    [DEADLINES.leaseKill, 'kill'],
    [Number.POSITIVE_INFINITY, 'kill'],
  ])('%d ms after the last renewal: %s', (age, fencing) => {
    expect(fencingAt(age)).toBe(fencing);
  });
});

describe('Lease', () => {
  it('goes on over a restart of the agent, and is unknown after a boot or without a file', async () => {
    await using dir = await tempDir('lease');
    const state = new StateDir(dir.path);
    expect(new Lease(state, 'boot-1').age(5_000)).toBe(Number.POSITIVE_INFINITY);
    new Lease(state, 'boot-1').renewed(1_000);
    expect(new Lease(state, 'boot-1').age(5_000)).toBe(4_000);
    expect(new Lease(state, 'boot-2').age(5_000)).toBe(Number.POSITIVE_INFINITY);
  });

  it('is unknown where its file is damaged', async () => {
    await using dir = await tempDir('lease');
    const state = new StateDir(dir.path);
    state.write('lease.json', '{"boot":');
    expect(new Lease(state, 'boot-1').age(5_000)).toBe(Number.POSITIVE_INFINITY);
  });
});
