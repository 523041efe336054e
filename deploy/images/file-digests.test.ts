import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileDigests } from './file-digests.ts';

const folder = mkdtempSync(join(tmpdir(), 'spawner-digests-'));
const [file, memory] = [join(folder, 'file'), join(folder, 'cache', 'digests.json')];
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => {
  rmSync(memory, { force: true });
  writeFileSync(file, 'content');
});

/** Replaces what is remembered of the file, so that a test sees whether the file was read. */
function remember(digest: string): void {
  const known = JSON.parse(readFileSync(memory, 'utf8')) as Record<string, { digest: string }>;
  known[file]!.digest = digest;
  writeFileSync(memory, JSON.stringify(known));
}

describe('the digest of a file', () => {
  it('is its SHA-256', async () => {
    expect(await new FileDigests(memory).of(file)).toBe(sha256('content'));
  });

  it('is remembered by a later run', async () => {
    await new FileDigests(memory).of(file);
    remember('remembered');
    expect(await new FileDigests(memory).of(file)).toBe('remembered');
  });

  it('is made again after the file has changed, even to the same size and modification time', async () => {
    const digests = new FileDigests(memory);
    await digests.of(file);
    const { atime, mtime } = statSync(file);
    writeFileSync(file, 'CONTENT');
    utimesSync(file, atime, mtime);
    expect(await digests.of(file)).toBe(sha256('CONTENT'));
  });

  it('is made again if the memory is damaged or cannot be written', async () => {
    await new FileDigests(memory).of(file);
    writeFileSync(memory, '{');
    expect(await new FileDigests(memory).of(file)).toBe(sha256('content'));
    expect(await new FileDigests(join(file, 'digests.json')).of(file)).toBe(sha256('content'));
  });
});
