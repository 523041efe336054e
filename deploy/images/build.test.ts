import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { buildImage } from './build.ts';
import { installProgram } from './program.ts';

const folder = mkdtempSync(join(tmpdir(), 'spawner-images-'));
const socketPath = join(folder, 'docker.sock');
/** A small binary in place of node, for tests that ignore its content. */
const node = '/bin/true';
let server: Server;
let present: { Id: string; RepoTags?: string[]; Config: { Labels: Record<string, string> } } | null;
let imported: { query: URLSearchParams; bytes: number }[];
let removed: string[];
let refusal: string | null;

/** Answers the calls of the Docker API that making an image needs. */
beforeAll(async () => {
  server = createServer(async (request, response) => {
    const url = new URL(request.url!, 'http://docker');
    if (request.method === 'GET') response.writeHead(present ? 200 : 404).end(JSON.stringify(present ?? {}));
    else if (request.method === 'DELETE') {
      removed.push(url.pathname);
      response.writeHead(409).end('{"message":"in use"}');
    } else {
      const bytes = (await buffer(request)).length;
      imported.push({ query: url.searchParams, bytes });
      const last = refusal ? { error: refusal } : { status: `sha256:${imported.length}` };
      response.end(`{"status":"Importing"}\n${JSON.stringify(last)}\n`);
    }
  });
  server.listen(socketPath);
  await once(server, 'listening');
});

beforeEach(() => {
  present = null;
  refusal = null;
  imported = [];
  removed = [];
});

afterAll(async () => {
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
  rmSync(folder, { recursive: true });
});

const labelOf = (query: URLSearchParams) =>
  /^LABEL spawner\.digest=([0-9a-f]{64})$/.exec(query.getAll('changes').at(-1)!)![1]!;

describe('making an image', () => {
  it('imports a root file system with the instructions to run it', async () => {
    const result = await buildImage({ name: 'demo', socketPath });
    expect(result).toEqual({ reference: 'spawner/demo:latest', id: 'sha256:1', built: true });
    const [{ query, bytes }] = imported as [(typeof imported)[number]];
    expect([query.get('fromSrc'), query.get('repo'), query.get('tag')]).toEqual([
      '-',
      'spawner/demo',
      'latest',
    ]);
    expect(query.getAll('changes')).toContain('CMD ["/usr/local/bin/node","deploy/images/demo/server.ts"]');
    expect(bytes).toBeGreaterThan(50_000_000);
    expect(bytes % 512).toBe(0);
  });

  it('does nothing if the same image exists', async () => {
    await buildImage({ name: 'probe', socketPath, node });
    present = { Id: 'sha256:old', Config: { Labels: { 'spawner.digest': labelOf(imported[0]!.query) } } };
    const again = await buildImage({ name: 'probe', socketPath, node });
    expect(again).toEqual({ reference: 'spawner/probe:latest', id: 'sha256:old', built: false });
    expect(imported.length).toBe(1);
  });

  it('replaces an older image of its own, and leaves one of others and one with another name', async () => {
    const make = async (labels: Record<string, string>, RepoTags?: string[]) => {
      present = { Id: 'sha256:old', RepoTags, Config: { Labels: labels } };
      return (await buildImage({ name: 'demo', socketPath, node })).built;
    };
    expect(await make({})).toBe(true);
    expect(await make({ 'spawner.digest': 'older' }, ['keep/me:latest'])).toBe(true);
    expect(removed).toEqual([]);
    expect(await make({ 'spawner.digest': 'older' })).toBe(true);
    expect(removed).toEqual(['/images/sha256:old']);
  });

  it('repeats the reason of a refusal by docker', async () => {
    refusal = 'no space left on device';
    await expect(buildImage({ name: 'demo', socketPath, node })).rejects.toThrow('no space left on device');
  });

  it('names the socket that does not answer, and the existing images', async () => {
    const nowhere = join(folder, 'nowhere.sock');
    await expect(buildImage({ name: 'demo', socketPath: nowhere })).rejects.toThrow(nowhere);
    await expect(buildImage({ name: 'dmeo', socketPath, node })).rejects.toThrow(
      'no image dmeo; there are demo, probe',
    );
  });
});

describe('a program of the process runtime', () => {
  it('starts the same server', async () => {
    const program = installProgram({ name: 'demo', directory: join(folder, "pro'grams") });
    expect(existsSync(program)).toBe(true);
    const child = spawn(program, { env: { PORT: '0', HOST: '127.0.0.1' } });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    expect(line.toString()).toMatch(/^drawing board listening on \d+\n$/);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });
});
