import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { opened } from './complaints.ts';

export interface TempDir extends AsyncDisposable {
  path: string;
  stop(): Promise<void>;
}

/** A new empty directory, removed with all it holds at the end. */
export async function tempDir(name = 'test'): Promise<TempDir> {
  const path = await mkdtemp(join(tmpdir(), `spawner-${name}-`));
  const gone = opened(`the directory ${path}`);
  const stop = async () => {
    await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    gone();
  };
  return { path, stop, [Symbol.asyncDispose]: stop };
}
