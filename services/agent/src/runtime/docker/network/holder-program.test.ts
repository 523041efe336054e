import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually, tempDir } from '@spawner/testkit';
import { holderProgram, tarOf } from './holder-program.ts';

/** The architecture's name in the engine's answers. */
const HERE = process.arch === 'x64' ? 'amd64' : process.arch;

describe('the program of a holder', () => {
  it('waits, without a processor, until it is killed', async () => {
    await using temp = await tempDir('holder');
    const file = join(temp.path, 'holder');
    writeFileSync(file, holderProgram(HERE) ?? '');
    chmodSync(file, 0o500);
    const child = spawn(file, { stdio: 'ignore' });
    const ended = once(child, 'exit');
    const field = async (name: string) =>
      new RegExp(`^${name}:\\s+(.*)$`, 'm').exec(await readFile(`/proc/${child.pid}/status`, 'utf8'))?.[1];
    await eventually(async () => (await field('State')) === 'S (sleeping)');
    child.kill('SIGKILL');
    expect(await ended).toEqual([null, 'SIGKILL']);
  });

  it.each(['amd64', 'arm64'])('of %s is a static program for Linux', (architecture) => {
    const program = holderProgram(architecture);
    expect(program?.subarray(0, 4).toString('latin1')).toBe('\x7fELF');
    expect(program?.length).toBeLessThan(160);
  });

  it('does not exist for other architectures', () => expect(holderProgram('s390x')).toBeUndefined());

  it('is packed in an archive that tar reads', async () => {
    await using temp = await tempDir('holder');
    const archive = join(temp.path, 'a.tar');
    writeFileSync(archive, tarOf('holder', holderProgram('amd64') ?? Buffer.alloc(0)));
    await promisify(execFile)('tar', ['-xf', archive, '-C', temp.path]);
    expect(await readFile(join(temp.path, 'holder'))).toEqual(holderProgram('amd64'));
  });
});
