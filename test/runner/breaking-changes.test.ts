import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brokenBaselines } from './breaking-changes.ts';

const ROOT = join(__dirname, '../..');
const BUF = join(ROOT, 'node_modules/.bin');
const PUBLIC = 'proto/spawner/v1/backend.proto';
const INTERNAL = 'proto/spawner/internal/v1/scheduler_service.proto';

describe('brokenBaselines', () => {
  const path = process.env.PATH;
  let copy: string;
  beforeAll(() => {
    process.env.PATH = `${BUF}:${path}`;
  });
  afterAll(() => {
    process.env.PATH = path;
  });
  beforeEach(async () => {
    copy = await mkdtemp(join(tmpdir(), 'spawner-baseline-'));
    await cp(join(ROOT, 'proto'), join(copy, 'proto'), { recursive: true });
    await symlink(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  });
  afterEach(() => rm(copy, { recursive: true, force: true }));

  const edit = async (file: string, from: string, to: string) => {
    const text = await readFile(join(copy, file), 'utf8');
    expect(text).toContain(from);
    await writeFile(join(copy, file), text.replace(from, to));
  };

  it('accepts the committed contract, and fields that are added', async () => {
    await edit(PUBLIC, 'message Backend {', 'message Backend {\n  string added = 999;');
    await edit(INTERNAL, 'message SpawnPlaced {', 'message SpawnPlaced {\n  string added = 999;');
    expect(await brokenBaselines(copy)).toEqual([]);
  });

  it('refuses another name of a public field, and accepts one of an internal field', async () => {
    await edit(INTERNAL, 'string detail = 4;', 'string sentence = 4;');
    expect(await brokenBaselines(copy)).toEqual([]);
    await edit(PUBLIC, 'string drone_id', 'string machine_id');
    expect(await brokenBaselines(copy)).toEqual(['proto/baseline/v1.binpb is broken (FILE)']);
  });

  it('refuses another number of an internal field', async () => {
    await edit(INTERNAL, 'bool repeated = 5;', 'bool repeated = 6;');
    expect(await brokenBaselines(copy)).toEqual(['proto/baseline/internal.binpb is broken (WIRE)']);
  });
});
