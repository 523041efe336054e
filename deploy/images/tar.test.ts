import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TarEntry, writeTar } from './tar.ts';

const folder = mkdtempSync(join(tmpdir(), 'spawner-tar-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function archive(entries: TarEntry[]): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of writeTar(entries)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const tar = (args: string[], input: Buffer) => spawnSync('tar', args, { input, encoding: 'utf8' });

describe('a tar archive', () => {
  it('is what tar lists and unpacks', async () => {
    const file = join(folder, 'source');
    writeFileSync(file, 'x'.repeat(513));
    const bytes = await archive([
      { path: '/tmp/', mode: 0o1777 },
      { path: '/etc/passwd', mode: 0o644, content: Buffer.from('root:x:0:0') },
      { path: '/bin/source', mode: 0o755, content: { file, bytes: 513 } },
    ]);
    expect(bytes.length % 512).toBe(0);
    const listing = tar(['-tv', '--numeric-owner'], bytes);
    expect(listing.stderr).toBe('');
    const lines = listing.stdout.trim().split('\n');
    expect(
      lines.map((line) => line.split(/\s+/).filter((_, column) => [0, 1, 2, 5].includes(column))),
    ).toEqual([
      ['drwxrwxrwt', '0/0', '0', 'tmp/'],
      ['-rw-r--r--', '0/0', '10', 'etc/passwd'],
      ['-rwxr-xr-x', '0/0', '513', 'bin/source'],
    ]);
    expect(tar(['-xO', 'etc/passwd'], bytes).stdout).toBe('root:x:0:0');
    expect(tar(['-xO', 'bin/source'], bytes).stdout).toBe('x'.repeat(513));
  });

  it('refuses a path that does not fit and a file that is not as long as was said', async () => {
    const file = join(folder, 'short');
    writeFileSync(file, 'four');
    await expect(archive([{ path: `/${'x'.repeat(101)}`, mode: 0o644 }])).rejects.toThrow(
      'at most 100 bytes',
    );
    await expect(archive([{ path: '/f', mode: 0o644, content: { file, bytes: 5 } }])).rejects.toThrow(
      'changed',
    );
  });
});
