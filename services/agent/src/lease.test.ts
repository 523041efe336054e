import { DEADLINES } from '@spawner/domain';
import { BackendSpec, OnLeaseLoss } from '@spawner/proto/v1/backend';
import { tempDir } from '@spawner/testkit';
import { fencingAt, isStrict, Lease } from './lease.ts';
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

describe('isStrict', () => {
  const key = { namespace: '', name: 'a', tag: '' };
  it.each([
    [OnLeaseLoss.UNSPECIFIED, key, true],
    [OnLeaseLoss.UNSPECIFIED, undefined, false],
    [OnLeaseLoss.CONTINUE, key, false],
    [OnLeaseLoss.STOP, undefined, true],
  ])('on_lease_loss %d with key %j: %s', (onLeaseLoss, holder, strict) => {
    expect(isStrict(BackendSpec.fromPartial({ onLeaseLoss }), holder)).toBe(strict);
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
