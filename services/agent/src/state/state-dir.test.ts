import { isNodeId } from '@spawner/domain';
import { tempDir } from '@spawner/testkit';
import { keptDroneId, StateDir } from './state-dir.ts';

describe("the drone's own name", () => {
  it('is made once, and anew where its file is damaged, as files are after a power cut', async () => {
    await using temp = await tempDir('state-dir');
    const state = new StateDir(temp.path);
    const name = keptDroneId(state);
    expect(keptDroneId(state)).toBe(name);
    state.write('drone-id', '\0'.repeat(15));
    const other = keptDroneId(state);
    expect([isNodeId(other), keptDroneId(state)]).toEqual([true, other]);
  });
});
