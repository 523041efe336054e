import * as fs from 'node:fs';
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BackendSpec, BackendState, EndReason } from '@spawner/proto/v1/backend';
import { createLog } from '@spawner/service';
import { type TempDir, tempDir } from '@spawner/testkit';
import { ActivityFile } from '../idle/activity-file.ts';
import { unusedSince } from '../idle/usage.ts';
import { newLife, termsOf } from '../lifecycle/life.ts';
import { step } from '../lifecycle/life-machine.ts';
import { droneIdOf } from './drone-id.ts';
import { digestOf, inventoryOf, Journal, type JournalEntry } from './journal.ts';
import { StateDir } from './state-dir.ts';
import { Tombstones } from './tombstones.ts';

const log = createLog('test', 'silent');
let temp: TempDir;
let dir: StateDir;
const open = (boot = 'boot-1') => new Journal(dir, boot, log);

beforeEach(async () => {
  temp = await tempDir('journal');
  dir = new StateDir(join(temp.path, 'state'));
});
afterEach(() => temp.stop());

const PAGES = { redirectUrl: 'https://app.test/', startAgainUrl: '' };

function entryOf(id: string): JournalEntry {
  const spec = BackendSpec.fromPartial({
    image: 'some/image:1',
    env: { PASSWORD: 'hidden', EMPTY: '' },
    labels: { team: 'red' },
    resources: { memoryBytes: 9_000_000 },
    idleTimeoutMs: 0,
    stopGraceMs: 5,
    pages: PAGES,
  });
  const at = { now: 123.5, wall: new Date(5_000) };
  const begun = step(newLife(id, termsOf(spec), new Date(4_000)), { type: 'begin' }, at).life;
  const stop = { type: 'stop', reason: EndReason.REQUESTED, force: false } as const;
  const { life } = step(begun, stop, at);
  const key = { namespace: 'rooms', name: `${id}\n{}*🙂`, tag: '' };
  const claim = Buffer.from([0, 255, id.length]);
  return { id, placement: 42, createTime: new Date(4_000), spec, key, digest: digestOf(spec), claim, life };
}

describe('the journal', () => {
  it('loads every entry as it was written', () => {
    const entries = ['a', 'b'].map(entryOf);
    for (const entry of entries) open().write(entry);
    expect(
      open()
        .load(999)
        .sort((x, y) => x.id.localeCompare(y.id)),
    ).toEqual(entries);
  });

  it('restarts the clocks of another boot', () => {
    open().write(entryOf('a'));
    const [entry] = open('boot-2').load(999);
    expect(entry?.life).toMatchObject({ loadingAt: 999, ending: { stopAt: 999, removing: true } });
  });

  it('can be read by its owner only', () => {
    open().write(entryOf('a'));
    expect(statSync(dir.path).mode & 0o777).toBe(0o700);
    expect(statSync(join(dir.path, 'backends')).mode & 0o777).toBe(0o700);
    expect(statSync(join(dir.path, 'backends/a.json')).mode & 0o777).toBe(0o600);
  });

  it('sets aside a file that it cannot read, and loads the others', () => {
    const journal = open();
    journal.write(entryOf('a'));
    writeFileSync(join(dir.path, 'backends/b.json'), '{"half": ');
    expect(journal.load(0).map(({ id }) => id)).toEqual(['a']);
    expect(readdirSync(join(dir.path, 'backends')).sort()).toEqual(['a.json', 'b.json.bad']);
  });

  it('keeps the old entry and reports the failure if the disk is full', () => {
    open().write(entryOf('a'));
    const full = new StateDir(dir.path, {
      ...fs,
      writeFileSync: (file, data) => {
        fs.writeFileSync(file, (data as string).slice(0, 20));
        throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
      },
    });
    const journal = new Journal(full, 'boot-1', log);
    expect(() => journal.write({ ...entryOf('a'), placement: 43 })).toThrow('ENOSPC');
    expect(readdirSync(join(dir.path, 'backends'))).toEqual(['a.json']);
    expect(open().load(0)).toEqual([entryOf('a')]);
  });

  it('flushes an entry to the disk before it returns', () => {
    const flushed: string[] = [];
    const noting = new StateDir(dir.path, {
      ...fs,
      fsyncSync: (file) => {
        flushed.push(fs.fstatSync(file).isDirectory() ? 'directory' : 'entry');
        fs.fsyncSync(file);
      },
    });
    new Journal(noting, 'boot-1', log).write(entryOf('a'));
    expect(flushed).toEqual(['entry', 'directory']);
  });

  it('does not block on the disk for a new entry and its steps', async () => {
    const fsyncSync = () => {
      throw new Error('it blocks');
    };
    const journal = new Journal(new StateDir(dir.path, { ...fs, fsyncSync }), 'boot-1', log);
    const entry = entryOf('a');
    const kept = journal.begin({ ...entry, life: newLife('a', entry.life.terms, entry.createTime) });
    journal.step('a', entry.life);
    await kept;
    await journal.flush('a');
    expect(open().load(0)).toEqual([entry]);
  });

  it('keeps an entry whose last step a power loss has damaged, or a full disk has cut', () => {
    const entry = entryOf('a');
    const path = join(dir.path, 'backends/a.json');
    open().write(entry);
    fs.appendFileSync(path, '\n{"half": \0\0');
    expect(open().load(0)).toEqual([entry]);
    const stopped = { ...entry.life, ending: { ...entry.life.ending!, detail: 'later' } };
    open().step('a', stopped);
    expect(open().load(0)).toEqual([{ ...entry, life: stopped }]);
  });

  it('forgets a clock that a step has ended', () => {
    const entry = entryOf('a');
    open().write(entry);
    open().step('a', { ...entry.life, loadingAt: undefined, ending: undefined });
    expect(open().load(0)[0]?.life).toMatchObject({ loadingAt: undefined, ending: undefined });
  });

  it('has nothing to flush of a backend that was forgotten', async () => {
    open().write(entryOf('a'));
    open().forget('a', 1);
    await expect(open().flush('a')).resolves.toBeUndefined();
  });

  it('keeps only the id and the placement of a forgotten backend', () => {
    open().write(entryOf('a'));
    open().write(entryOf('b'));
    open().forget('a', 9_000_000_000_000_007);
    expect(open().ended.has('a')).toBe(true);
    expect(open().ended.highestPlacement).toBe(9_000_000_000_000_007);
    expect(
      open()
        .load(0)
        .map(({ id }) => id),
    ).toEqual(['b']);
    expect(open().ended.has('a')).toBe(true);
    expect(open().ended.has('b')).toBe(false);
  });

  it('keeps the environment out of the inventory', () => {
    const told = inventoryOf(entryOf('a'));
    expect(told).toMatchObject({
      placement: 42,
      claim: Buffer.from([0, 255, 1]),
      key: { namespace: 'rooms', name: 'a\n{}*🙂', tag: '' },
      status: { id: 'a', state: BackendState.TERMINATING },
      spec: {
        image: 'some/image:1',
        labels: { team: 'red' },
        idleTimeoutMs: 0,
        memoryBytes: 9_000_000,
        pages: PAGES,
      },
    });
    expect(told.spec?.digest).toHaveLength(32);
    expect(JSON.stringify(told)).not.toMatch(/PASSWORD|hidden/);
  });
});

describe('tombstones', () => {
  it('keep the latest ids, also over a restart', () => {
    const first = new Tombstones(dir, 3);
    for (const id of ['1', '2', '3', '4', '5', '6']) first.add(id);
    const later = new Tombstones(dir, 3);
    expect(['3', '4', '5', '6'].map((id) => later.has(id))).toEqual([false, true, true, true]);
    expect(first.has('1')).toBe(false);
  });
});

describe('the stored drone id', () => {
  it('is created once', () => {
    const id = droneIdOf('', dir);
    expect(id).toMatch(/^drone-[a-z0-9]{8}$/);
    expect(droneIdOf('', new StateDir(dir.path))).toBe(id);
  });
});

describe('the activity file', () => {
  it('returns when each backend was in use, within one boot', () => {
    const backends = [
      { id: 'a', usage: unusedSince(17.2) },
      { id: 'b', usage: unusedSince(90) },
    ];
    new ActivityFile(dir, 'boot-1').write(backends);
    expect([...new ActivityFile(dir, 'boot-1').read()]).toEqual([
      ['a', 17],
      ['b', 90],
    ]);
    expect(new ActivityFile(dir, 'boot-2').read().size).toBe(0);
  });

  it('counts as missing if it is damaged', () => {
    dir.write('activity.json', '{');
    expect(new ActivityFile(dir, 'boot-1').read().size).toBe(0);
  });
});
