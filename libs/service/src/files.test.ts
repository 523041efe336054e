import * as nodeFs from 'node:fs';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import * as nodeFsPromises from 'node:fs/promises';
import { join } from 'node:path';
import { tempDir } from '@spawner/testkit';
import { type AsyncFileCalls, type FileCalls, replaceFile, replaceFileSync } from './files.ts';

const MODE_BITS = 0o777;
const modeOf = (path: string) => statSync(path).mode & MODE_BITS;

/** Real calls, each noted with the name of the file that it is for. */
function noted(): { fs: FileCalls; calls: string[] } {
  const calls: string[] = [];
  const names = new Map<number, string>();
  const nameOf = (file: unknown) => names.get(file as number) ?? String(file);
  const fs: FileCalls = {
    ...nodeFs,
    openSync: (path, flags, mode) => {
      const file = nodeFs.openSync(path, flags, mode);
      names.set(file, nodeFs.statSync(path).isDirectory() ? 'directory' : 'draft');
      return file;
    },
    writeFileSync: (file, data) => {
      calls.push(`write ${nameOf(file)}`);
      nodeFs.writeFileSync(file, data);
    },
    fsyncSync: (file) => {
      calls.push(`flush ${nameOf(file)}`);
      nodeFs.fsyncSync(file);
    },
    renameSync: (from, to) => {
      calls.push('rename');
      nodeFs.renameSync(from, to);
    },
  };
  return { fs, calls };
}

/** The disk is full: part of the content is written, then the call fails. */
const fullDisk: FileCalls = {
  ...nodeFs,
  writeFileSync: (file, data) => {
    nodeFs.writeFileSync(file, (data as string).slice(0, 3));
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  },
};

describe('replaceFileSync', () => {
  it('flushes the draft before the rename and the directory after it', async () => {
    await using dir = await tempDir('files');
    const { fs, calls } = noted();
    replaceFileSync(join(dir.path, 'state'), 'new', {}, fs);
    expect(calls).toEqual(['write draft', 'flush draft', 'rename', 'flush directory']);
  });

  it('flushes nothing for content that need not survive a power loss', async () => {
    await using dir = await tempDir('files');
    const { fs, calls } = noted();
    replaceFileSync(join(dir.path, 'state'), 'new', { durable: false }, fs);
    expect(calls).toEqual(['write draft', 'rename']);
  });

  it('never changes the old file: a reader that has it open still reads all of it', async () => {
    await using dir = await tempDir('files');
    const path = join(dir.path, 'state');
    replaceFileSync(path, 'the old content');
    const reader = nodeFs.openSync(path, 'r');
    replaceFileSync(path, 'new');
    const seen = readFileSync(reader, 'utf8');
    nodeFs.closeSync(reader);
    expect([seen, readFileSync(path, 'utf8')]).toEqual(['the old content', 'new']);
  });

  it('keeps the old file and removes the draft if the disk is full', async () => {
    await using dir = await tempDir('files');
    const path = join(dir.path, 'state');
    replaceFileSync(path, 'old');
    expect(() => replaceFileSync(path, 'new content', {}, fullDisk)).toThrow('ENOSPC');
    expect([readFileSync(path, 'utf8'), readdirSync(dir.path)]).toEqual(['old', ['state']]);
  });

  it('gives the file its mode, whatever mode the old file and an old draft had', async () => {
    await using dir = await tempDir('files');
    const path = join(dir.path, 'state');
    writeFileSync(path, 'old', { mode: 0o666 });
    writeFileSync(`${path}.${process.pid}.new`, 'left by a crash', { mode: 0o666 });
    replaceFileSync(path, 'new');
    const secret = modeOf(path);
    replaceFileSync(path, 'public', { mode: 0o644 });
    expect([secret, modeOf(path), readFileSync(path, 'utf8')]).toEqual([0o600, 0o644, 'public']);
  });
});

describe('replaceFile', () => {
  const fill = (...parts: string[]) => {
    return async (file: nodeFsPromises.FileHandle) => {
      for (const part of parts) await file.writeFile(part);
    };
  };

  it('flushes the draft before the rename and the directory after it', async () => {
    await using dir = await tempDir('files');
    const calls: string[] = [];
    const fs: AsyncFileCalls = {
      ...nodeFsPromises,
      open: async (path, flags, mode) => {
        const file = await nodeFsPromises.open(path, flags, mode);
        const name = (await file.stat()).isDirectory() ? 'directory' : 'draft';
        const sync = file.sync.bind(file);
        return Object.assign(file, {
          sync: () => {
            calls.push(`flush ${name}`);
            return sync();
          },
        });
      },
      rename: (from, to) => {
        calls.push('rename');
        return nodeFsPromises.rename(from, to);
      },
    };
    const path = join(dir.path, 'state');
    await replaceFile(path, fill('one ', 'two'), {}, fs);
    expect(calls).toEqual(['flush draft', 'rename', 'flush directory']);
    expect([readFileSync(path, 'utf8'), modeOf(path)]).toEqual(['one two', 0o600]);
  });

  it('keeps the old file and removes the draft if filling fails', async () => {
    await using dir = await tempDir('files');
    const path = join(dir.path, 'state');
    await replaceFile(path, fill('old'), { mode: 0o644 });
    const failing = replaceFile(path, async (file) => {
      await file.writeFile('half of');
      throw new Error('ENOSPC');
    });
    await expect(failing).rejects.toThrow('ENOSPC');
    expect([readFileSync(path, 'utf8'), readdirSync(dir.path), modeOf(path)]).toEqual([
      'old',
      ['state'],
      0o644,
    ]);
  });
});
