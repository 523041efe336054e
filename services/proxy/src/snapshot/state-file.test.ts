import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TempDir, tempDir } from '@spawner/testkit';
import { StateFile } from './state-file.ts';

const MESSAGES = [Buffer.from('one'), Buffer.alloc(0), Buffer.alloc(70_000, 'x')];

describe('a state file', () => {
  let dir: TempDir;
  let path: string;
  beforeEach(async () => {
    dir = await tempDir('state');
    path = join(dir.path, 'routes');
  });
  afterEach(() => dir.stop());

  /** Writes the file, then these bytes in its place. */
  async function changed(change: (bytes: Buffer) => Buffer): Promise<StateFile> {
    const file = new StateFile(path);
    await file.write(MESSAGES);
    await writeFile(path, change(await readFile(path)));
    return file;
  }

  it('gives back what was written, or nothing where nothing was', async () => {
    const file = new StateFile(path);
    expect(file.read()).toBeUndefined();
    await file.write(MESSAGES);
    expect(file.read()).toEqual(MESSAGES);
    await file.write([]);
    expect(file.read()).toEqual([]);
  });

  it("is its owner's alone, and leaves nothing else behind", async () => {
    await new StateFile(path).write(MESSAGES);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(dir.path)).toEqual(['routes']);
  });

  it('is refused wherever it is cut off', async () => {
    const file = await changed((bytes) => bytes);
    const whole = await readFile(path);
    for (const length of [0, 1, 21, 22, 26, 54, 100, whole.length - 33, whole.length - 1]) {
      await writeFile(path, whole.subarray(0, length));
      expect(() => file.read()).toThrow(/cut off|not the state/);
    }
  });

  it('is refused with any byte changed', async () => {
    const file = await changed((bytes) => bytes);
    const whole = await readFile(path);
    for (let at = 0; at < whole.length; at += 997) {
      const other = Buffer.from(whole);
      other[at] = (other[at] ?? 0) ^ 1;
      await writeFile(path, other);
      expect(() => file.read()).toThrow(/changed|not the state/);
    }
  });

  it('is refused where something was added', async () => {
    const file = await changed((bytes) => Buffer.concat([bytes, Buffer.from('more')]));
    expect(() => file.read()).toThrow('its checksum is wrong');
  });

  it('is refused where it is of another version', async () => {
    const file = await changed((bytes) => {
      bytes.write('spawner proxy state 2\n');
      return bytes;
    });
    expect(() => file.read()).toThrow('not the state of a proxy of this version');
  });

  it.each([0o640, 0o604, 0o620])('is refused where others may read or change it (%o)', async (mode) => {
    const file = await changed((bytes) => bytes);
    await chmod(path, mode);
    expect(() => file.read()).toThrow('others than its owner');
  });

  it('has a bound, in writing and in reading, and what was there before stays', async () => {
    const file = new StateFile(path, 1_000);
    await file.write([Buffer.from('small')]);
    await expect(file.write(MESSAGES)).rejects.toThrow('would be larger than 1000 bytes');
    expect(file.read()).toEqual([Buffer.from('small')]);
    expect(await readdir(dir.path)).toEqual(['routes']);
    await new StateFile(path).write(MESSAGES);
    expect(() => file.read()).toThrow('larger than 1000 bytes');
  });

  it('keeps the old one where writing fails half-way', async () => {
    const file = new StateFile(path);
    await file.write([Buffer.from('old')]);
    const failing = (function* () {
      yield Buffer.from('new');
      throw new Error('no more');
    })();
    await expect(file.write(failing)).rejects.toThrow('no more');
    expect(file.read()).toEqual([Buffer.from('old')]);
  });
});
