import { DEADLINES } from '@spawner/domain';
import { Node } from '@spawner/proto/internal/node';
import { createLog } from '@spawner/service';
import { tempDir } from '@spawner/testkit';
import type { Drone } from '../lifecycle/drone.ts';
import { memberOf } from '../report/member.ts';
import { fencingAt, Lease } from './lease.ts';
import { StateDir, type StateFiles } from './state-dir.ts';

const leaseOf = (state: StateFiles, boot = 'boot-1') => new Lease(state, boot, createLog('test', 'silent'));

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
  it('survives a restart of the agent, and is unknown after a reboot or without a file', async () => {
    await using dir = await tempDir('lease');
    const state = new StateDir(dir.path);
    expect(leaseOf(state).age(5_000)).toBe(Number.POSITIVE_INFINITY);
    leaseOf(state).renewed(1_000);
    expect(leaseOf(state).age(5_000)).toBe(4_000);
    expect(leaseOf(state, 'boot-2').age(5_000)).toBe(Number.POSITIVE_INFINITY);
  });

  it('is on disk at most a second late, however often it is renewed', async () => {
    await using dir = await tempDir('lease');
    const state = new StateDir(dir.path);
    const lease = leaseOf(state);
    for (const at of [1_000, 1_500, 1_999, 2_000, 2_999]) {
      lease.renewed(at);
      expect(lease.age(5_000)).toBe(5_000 - at);
      expect(leaseOf(state).age(5_000)).toBe(at < 2_000 ? 4_000 : 3_000);
    }
  });

  it('is unknown if its file is damaged', async () => {
    await using dir = await tempDir('lease');
    const state = new StateDir(dir.path);
    state.write('lease.json', '{"boot":');
    expect(leaseOf(state).age(5_000)).toBe(Number.POSITIVE_INFINITY);
  });

  it('is renewed though the disk is full', async () => {
    const full = { read: () => undefined } as unknown as StateFiles;
    full.write = () => {
      throw new Error('ENOSPC: no space left on device');
    };
    const lease = leaseOf(full);
    const member = memberOf({} as Drone, lease, Node.fromPartial({}));
    expect(() => member.renewed?.(1_000)).not.toThrow();
    expect(lease.age(5_000)).toBe(4_000);
  });
});
