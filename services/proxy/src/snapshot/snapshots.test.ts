import { chmod, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RouteState } from '@spawner/proto/internal/route';
import { createLog } from '@spawner/service';
import { newRoute, RouteTable, rowId, type TableRow } from '@spawner/store';
import { crankedClock, eventually, type TempDir, tempDir } from '@spawner/testkit';
import { Snapshots } from './snapshots.ts';

const POSITION = { epoch: 7, n: 3 };
const NEVER = new AbortController().signal;
const route = (backendId: string, epoch = 1) =>
  newRoute({ backendId, epoch, state: RouteState.OPEN, local: { host: '10.0.0.1', port: 80 } });

describe('a snapshot', () => {
  let dir: TempDir;
  beforeEach(async () => {
    dir = await tempDir('snapshots');
  });
  afterEach(() => dir.stop());

  /** One life of a proxy. */
  function life(owner = { cluster: 'local', clusterDomain: 'a.test' }, stateDir = dir.path) {
    const routes = RouteTable.withTokens();
    const clock = crankedClock();
    const log = createLog('test', 'silent');
    const said: string[] = [];
    log.warn = (_fields: unknown, text?: string) => void said.push(String(text));
    const snapshots = new Snapshots({ ...owner, stateDir }, { routes, clock, log });
    return { routes, clock, snapshots, said };
  }
  const ids = ({ routes }: { routes: RouteTable }) => [...routes.rows()].map(rowId);

  it('restores every row, tokens included, and confirms none of them', async () => {
    const first = life();
    const token: TableRow = {
      ...{
        kind: 'tokenGrant',
        tokenId: 'x',
        backendId: 'a',
        user: 'ada',
        claims: '',
        expireMs: 9,
        epoch: 2,
      },
    };
    first.routes.restore(POSITION, [route('a'), token]);
    await first.snapshots.close();
    const second = life();
    expect(second.snapshots.restore()).toBe(true);
    expect(second.routes.get('a')).toEqual(route('a'));
    expect(second.routes.token('x')).toEqual(token);
    expect([second.routes.position, second.routes.loads]).toEqual([POSITION, 0]);
    expect(second.routes.asOf('a')).toBe(Number.NEGATIVE_INFINITY);
  });

  it('writes many thousand rows in slices', async () => {
    const rows = Array.from({ length: 3_001 }, (_, at) => route(`b${at}`));
    const first = life();
    first.routes.restore(POSITION, rows);
    await first.snapshots.close();
    const second = life();
    second.snapshots.restore();
    expect(ids(second)).toEqual(rows.map(({ backendId }) => backendId));
  });

  it('writes when something has changed, and not else', async () => {
    const { routes, snapshots } = life();
    await snapshots.turn(NEVER);
    expect(await readdir(dir.path)).toEqual([]);
    routes.restore(POSITION, [route('a')]);
    await snapshots.turn(NEVER);
    const file = join(dir.path, 'routes');
    await writeFile(file, 'touched');
    await snapshots.turn(NEVER);
    await snapshots.close();
    expect(await readFile(file, 'utf8')).toBe('touched');
  });

  it('is not written again right after it was restored', async () => {
    const first = life();
    first.routes.restore(POSITION, [route('a')]);
    await first.snapshots.close();
    const second = life();
    second.snapshots.restore();
    const file = join(dir.path, 'routes');
    await writeFile(file, 'touched');
    await second.snapshots.close();
    expect(await readFile(file, 'utf8')).toBe('touched');
  });

  it.each([
    ['another cluster', { cluster: 'other', clusterDomain: 'a.test' }],
    ['another domain', { cluster: 'local', clusterDomain: 'b.test' }],
  ])('says nothing to a proxy of %s, which says so', async (_whose, owner) => {
    const first = life();
    first.routes.restore(POSITION, [route('a')]);
    first.snapshots.keepCertificate({ cert: 'chain', key: 'key' });
    await first.snapshots.close();
    const { snapshots, routes, said } = life(owner);
    expect([snapshots.restore(), snapshots.certificate(), routes.size]).toEqual([false, undefined, 0]);
    expect(said).toEqual([
      'the snapshot of the routes cannot be used and will be replaced',
      'the snapshot of the certificate cannot be used and will be replaced',
    ]);
  });

  it('takes up nothing that is not a message of its own', async () => {
    const first = life();
    first.routes.restore(POSITION, [route('a')]);
    await first.snapshots.close();
    await writeFile(join(dir.path, 'routes'), 'spawner proxy state 1\nnonsense');
    const { snapshots, said } = life();
    expect([snapshots.restore(), said.length]).toEqual([false, 1]);
  });

  it('keeps the certificate, and the latest one', async () => {
    const first = life();
    expect(first.snapshots.certificate()).toBeUndefined();
    first.snapshots.keepCertificate({ cert: 'old', key: 'k' });
    first.snapshots.keepCertificate({ cert: 'new', key: 'k' });
    await first.snapshots.close();
    expect(life().snapshots.certificate()).toEqual({ cert: 'new', key: 'k' });
  });

  it('keeps the name that it had first', async () => {
    const { snapshots } = life();
    expect(snapshots.nameOf({ id: 'proxy-1', named: false })).toBe('proxy-1');
    await snapshots.close();
    expect(life().snapshots.nameOf({ id: 'proxy-2', named: false })).toBe('proxy-1');
    expect(life().snapshots.nameOf({ id: 'proxy-2', named: true })).toBe('proxy-2');
  });

  it('continues if the disk fails', async () => {
    const { snapshots, routes, said } = life();
    await dir.stop();
    snapshots.keepCertificate({ cert: 'new', key: 'k' });
    await eventually(() => expect(said).toEqual(['the snapshot of the certificate could not be written']));
    routes.restore(POSITION, [route('a')]);
    await expect(snapshots.turn(NEVER)).rejects.toThrow('ENOENT');
  });

  it('keeps nothing without a directory', async () => {
    const { snapshots, routes } = life(undefined, '');
    routes.restore(POSITION, [route('a')]);
    snapshots.keepCertificate({ cert: 'c', key: 'k' });
    await snapshots.turn(NEVER);
    await snapshots.close();
    expect([
      snapshots.nameOf({ id: 'proxy-1', named: false }),
      snapshots.restore(),
      snapshots.certificate(),
    ]).toEqual(['proxy-1', false, undefined]);
  });

  it('sets the directory to its owner alone', async () => {
    await chmod(dir.path, 0o777);
    life();
    expect((await import('node:fs')).statSync(dir.path).mode & 0o777).toBe(0o700);
  });
});
