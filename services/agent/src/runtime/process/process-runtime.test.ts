import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '@spawner/domain';
import { BackendSpec } from '@spawner/proto/v1/backend';
import { type TempDir, tempDir } from '@spawner/testkit';
import { StateDir } from '../../state/state-dir.ts';
import { everyProcess } from './proc.ts';
import { ProcessRuntime } from './process-runtime.ts';

const ID = 'a'.repeat(26);

describe('the process runtime', () => {
  let temp: TempDir;
  let state: StateDir;
  const open = () => new ProcessRuntime({ programs: temp.path, state, clock: systemClock });
  const program = { id: ID, placement: 1, spec: BackendSpec.fromPartial({ image: 'sleeper' }) };

  beforeEach(async () => {
    temp = await tempDir('process');
    state = new StateDir(join(temp.path, 'state'));
    await writeFile(join(temp.path, 'sleeper'), '#!/bin/sh\nexec sleep 60\n');
    await chmod(join(temp.path, 'sleeper'), 0o755);
  });
  afterEach(async () => {
    await open().remove(ID);
    await temp.stop();
  });

  it.each(['', '\0\0\0', '{"pid":'])(
    "starts though a power loss damaged a program's file: %j",
    async (left) => {
      state.below('process').below(ID).write('run.json', left);
      const runtime = open();
      expect(await runtime.inspect(ID)).toEqual({ is: 'absent' });
      await runtime.remove(ID);
      expect(await runtime.list()).toEqual([]);
    },
  );

  it('finds a program whose start its agent did not survive, and ends it before it starts another', async () => {
    const killed = open();
    await killed.create(program);
    await killed.start(ID);
    const session = JSON.parse(state.read(join('process', ID, 'run.json')) ?? '').pid;
    const members = () => everyProcess().filter((one) => one.session === session && !one.zombie);
    expect(members().length).toBeGreaterThan(0);
    state.remove(join('process', ID, 'run.json'));
    await open().create(program);
    expect(members()).toEqual([]);
  });
});
