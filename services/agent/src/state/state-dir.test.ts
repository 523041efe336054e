import * as fs from 'node:fs';
import { join } from 'node:path';
import { isNodeId } from '@spawner/domain';
import type { FileCalls } from '@spawner/service';
import { tempDir } from '@spawner/testkit';
import { droneIdOf } from './drone-id.ts';
import { StateDir } from './state-dir.ts';

describe('StateDir', () => {
  it('replaces a file and never writes into it, so a reader that has it open sees all of the old text', async () => {
    await using temp = await tempDir('state-dir');
    const state = new StateDir(temp.path);
    state.write('entry', 'the old text');
    const reader = fs.openSync(join(temp.path, 'entry'), 'r');
    state.write('entry', 'new');
    const seen = fs.readFileSync(reader, 'utf8');
    fs.closeSync(reader);
    expect([seen, state.read('entry')]).toEqual(['the old text', 'new']);
  });

  it('flushes a text and its directory unless it need not be durable', async () => {
    await using temp = await tempDir('state-dir');
    const calls: string[] = [];
    const noting: FileCalls = {
      ...fs,
      fsyncSync: (file) => {
        calls.push('flush');
        fs.fsyncSync(file);
      },
      renameSync: (from, to) => {
        calls.push('rename');
        fs.renameSync(from, to);
      },
    };
    const state = new StateDir(temp.path, noting).below('inner');
    state.write('entry', 'text');
    expect(calls.splice(0)).toEqual(['flush', 'rename', 'flush']);
    state.write('entry', 'text', { durable: false });
    expect(calls).toEqual(['rename']);
  });
});

describe("the drone's id", () => {
  it('is created once, and again if its file is damaged, as files can be after a power loss', async () => {
    await using temp = await tempDir('state-dir');
    const state = new StateDir(temp.path);
    const name = droneIdOf('', state);
    expect(droneIdOf('', state)).toBe(name);
    state.write('drone-id', '\0'.repeat(15));
    const other = droneIdOf('', state);
    expect([isNodeId(other), droneIdOf('', state)]).toEqual([true, other]);
  });
});
