import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '@spawner/domain';
import { eventually, type TempDir, tempDir } from '@spawner/testkit';
import { fileLines } from './process-log.ts';

const MIB = 1024 * 1024;
const { signal } = new AbortController();

describe('the output files of a program', () => {
  let temp: TempDir;
  let files: { stdout: string; stderr: string };
  const texts = async (options: { tailLines?: number; follow?: boolean }, runs = () => false) => {
    const told: string[] = [];
    for await (const { text } of fileLines(
      temp.path,
      { follow: false, signal, ...options },
      runs,
      systemClock,
    ))
      told.push(text);
    return told;
  };

  beforeEach(async () => {
    temp = await tempDir('process-log');
    files = { stdout: join(temp.path, 'stdout'), stderr: join(temp.path, 'stderr') };
    for (const file of Object.values(files)) await writeFile(file, '');
  });
  afterEach(() => temp.stop());

  it('are read whole if they are small, or from their last lines', async () => {
    await writeFile(files.stdout, 'one\ntwo\nthree');
    await writeFile(files.stderr, 'oh\n');
    expect(await texts({})).toEqual(['one', 'two', 'oh', 'three']);
    expect(await texts({ tailLines: 2 }, () => true)).toEqual(['two', 'oh']);
    expect(await texts({ tailLines: 0 }, () => true)).toEqual([]);
  });

  it('are read in bounded memory, and in complete lines', async () => {
    const line = `${'x'.repeat(1_023)}\n`;
    await writeFile(files.stdout, `y${line.repeat(12 * 1_024)}the end\n`);
    const all = await texts({});
    expect(all.join('').length).toBeLessThanOrEqual(10 * MIB);
    expect(new Set(all)).toEqual(new Set([line.trim(), 'the end']));
    expect(await texts({ tailLines: 2 })).toEqual([line.trim(), 'the end']);
  });

  it('are followed to the last line', async () => {
    await writeFile(files.stdout, 'first\nsec');
    let running = true;
    const told: string[] = [];
    let rests = 0;
    const sleep = (ms: number) => systemClock.sleep(ms).finally(() => (rests += 1));
    const lines = fileLines(temp.path, { follow: true, tailLines: 0, signal }, () => running, {
      ...systemClock,
      sleep,
    });
    const following = (async () => {
      for await (const { text } of lines) told.push(text);
    })();
    await eventually(() => rests > 0);
    await appendFile(files.stdout, 'ond\n');
    await eventually(() => told.length > 0);
    await appendFile(files.stdout, 'third\nlast words');
    running = false;
    await following;
    expect(told).toEqual(['second', 'third', 'last words']);
  });
});
