import * as nodeFs from 'node:fs';
import * as nodeFsPromises from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Replaces files atomically: a reader, or a start after a crash, sees the old content or the new one, never a mixture.
 * The content goes to a draft in the same directory, the draft is flushed, then renamed over the file (rename(2)). The
 * directory is flushed too, so that a power loss cannot undo the rename (fsync(2)).
 */
export interface ReplaceOptions {
  /** Permissions of the new file, whatever the umask is. 0600 by default. */
  readonly mode?: number;
  /**
   * Whether the new content has to survive a power loss. True by default. Without it nothing is flushed, which is right
   * only for content that another boot ignores.
   */
  readonly durable?: boolean;
}

/** The calls of `node:fs` that a replacement makes. */
export type FileCalls = Pick<
  typeof nodeFs,
  'openSync' | 'fchmodSync' | 'writeFileSync' | 'fsyncSync' | 'closeSync' | 'renameSync' | 'rmSync'
>;

/** The calls of `node:fs/promises` that a replacement makes. */
export type AsyncFileCalls = Pick<typeof nodeFsPromises, 'open' | 'rename' | 'rm'>;

/** Blocks for as long as the disk takes. If it throws, the old file is unchanged and the draft is removed. */
export function replaceFileSync(
  path: string,
  content: string | Uint8Array,
  { mode = 0o600, durable = true }: ReplaceOptions = {},
  fs: FileCalls = nodeFs,
): void {
  const draft = draftOf(path);
  fs.rmSync(draft, { force: true });
  try {
    const file = fs.openSync(draft, 'wx', mode);
    try {
      fs.fchmodSync(file, mode);
      fs.writeFileSync(file, content);
      if (durable) fs.fsyncSync(file);
    } finally {
      fs.closeSync(file);
    }
    fs.renameSync(draft, path);
  } catch (error) {
    try {
      fs.rmSync(draft, { force: true });
    } catch {
      // The error that led here says more.
    }
    throw error;
  }
  if (!durable) return;
  const directory = fs.openSync(dirname(path), 'r');
  try {
    fs.fsyncSync(directory);
  } finally {
    fs.closeSync(directory);
  }
}

/** Writes what `fill` writes. If it rejects, the old file is unchanged and the draft is removed. Always durable. */
export async function replaceFile(
  path: string,
  fill: (file: nodeFsPromises.FileHandle) => Promise<void>,
  { mode = 0o600 }: Pick<ReplaceOptions, 'mode'> = {},
  fs: AsyncFileCalls = nodeFsPromises,
): Promise<void> {
  const draft = draftOf(path);
  await fs.rm(draft, { force: true });
  try {
    {
      await using file = await fs.open(draft, 'wx', mode);
      await file.chmod(mode);
      await fill(file);
      await file.sync();
    }
    await fs.rename(draft, path);
  } catch (error) {
    await fs.rm(draft, { force: true }).catch(() => {});
    throw error;
  }
  await using directory = await fs.open(dirname(path), 'r');
  await directory.sync();
}

/** Processes that share a directory must not share a draft. */
function draftOf(path: string): string {
  return `${path}.${process.pid}.new`;
}
