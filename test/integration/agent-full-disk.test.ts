import { execFile } from 'node:child_process';
import { readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { BackendState, EndReason } from '@spawner/proto/v1/backend';
import { expectComplaint, type TempDir, tempDir } from '@spawner/testkit';
import { installProgram } from '../../deploy/images/program.ts';
import { type AgentWorld, startAgentWorld } from './agent-harness.ts';

const { READY, TERMINATED } = BackendState;
const run = promisify(execFile);
const DISK_BYTES = 1024 * 1024;

describe('an agent whose disk is full', () => {
  let disk: TempDir;
  let programs: TempDir;
  let world: AgentWorld;
  const filler = () => join(disk.path, 'filler');

  /** Fills the disk to the last byte: the write fails, and what it wrote stays. */
  const fill = async () => {
    await writeFile(filler(), Buffer.alloc(2 * DISK_BYTES)).catch(() => {});
    expect((await stat(filler())).size).toBeGreaterThan(0);
    await expect(writeFile(join(disk.path, 'more'), 'x')).rejects.toThrow('ENOSPC');
  };

  beforeAll(async () => {
    disk = await tempDir('disk');
    await run('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', disk.path]);
    programs = await tempDir('programs');
    installProgram({ name: 'probe', directory: programs.path });
    world = await startAgentWorld({
      SPAWNER_AGENT_RUNTIME: 'process',
      SPAWNER_AGENT_PROGRAMS_DIR: programs.path,
      SPAWNER_AGENT_STATE_DIR: disk.path,
    });
  });

  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
    await programs?.stop();
    await run('umount', [disk.path]);
    await disk?.stop();
  });

  it('keeps what it has written, refuses new backends, ends old ones, and recovers with the disk', async () => {
    const id = await world.place({ env: { NAME: 'before' } });
    const { local } = await world.reaches(id, READY);
    const name = async () => (await fetch(`http://${local?.host}:${local?.port}/name`)).text();
    expectComplaint(/ENOSPC: no space left on device/);
    await fill();
    await expect(world.place({})).rejects.toThrow();
    expect(await name()).toBe('before');
    // The next agent reads an entry that is complete, and drafts of failed writes are gone.
    await world.crash();
    const left = await readdir(join(disk.path, 'backends'));
    expect(left).toEqual([`${id}.json`]);
    await world.restart();
    expect(await name()).toBe('before');
    expect(world.scheduler.inventory.map(({ status }) => status?.id)).toEqual([id]);
    await world.stop(id);
    expect(await world.reaches(id, TERMINATED)).toMatchObject({ endReason: EndReason.REQUESTED });
    await rm(filler());
    await rm(join(disk.path, 'more'), { force: true });
    const after = await world.place({});
    await world.reaches(after, READY);
    await world.stop(after, { force: true });
    await world.reaches(after, TERMINATED);
  });
});
