/** `@spawner/client` as its users get it: packed, installed into an empty project, in Node 20, in TypeScript and in a bundle. */
import { execFile } from 'node:child_process';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type TempDir, tempDir } from '@spawner/testkit';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';
import { startGateway, type TestGateway } from './gateway.ts';
import { oldestNode } from './oldest-node.ts';

const ROOT = join(__dirname, '../..');

/** Spawns, waits until READY, ends, and follows its life. Needs a `Spawner` and a `url`. */
const USE = `
  const spawner = new Spawner({ url });
  const { id } = await spawner.spawn({ image: 'spawner/demo:latest' });
  const ready = await spawner.untilReady(id);
  await spawner.terminate(id);
  const states = [];
  for await (const { state } of spawner.watch(id)) states.push(state);
  const refusal = await spawner.get('nosuch').catch((error) => error.code);
  const result = { ready: ready.state, last: states.at(-1), refusal };
`;
const EXPECTED = { ready: 'READY', last: 'TERMINATED', refusal: 'NOT_FOUND' };

describe('the packed client', () => {
  let gateway: TestGateway;
  let dir: TempDir;
  const run = async (command: string, ...args: string[]) =>
    (await promisify(execFile)(command, args, { cwd: dir.path })).stdout;

  beforeAll(async () => {
    gateway = await startGateway();
    dir = await tempDir('client-package');
    await promisify(execFile)(
      'npm',
      ['pack', '--workspace=@spawner/client', `--pack-destination=${dir.path}`],
      {
        cwd: ROOT,
      },
    );
    const [packed = ''] = await readdir(dir.path);
    await writeFile(join(dir.path, 'package.json'), '{ "name": "empty", "private": true, "type": "module" }');
    await run('npm', 'install', '--offline', '--no-audit', '--no-fund', `./${packed}`);
  });

  afterAll(async () => {
    await dir?.stop();
    await gateway?.[Symbol.asyncDispose]();
  });

  it('has JavaScript, types and its README, and nothing else', async () => {
    const files = await readdir(join(dir.path, 'node_modules/@spawner/client'), { recursive: true });
    const others = files.filter((file) => !/^dist\/[a-z]+(\.d\.ts|\.js)$/.test(file)).sort();
    expect(others).toEqual(['README.md', 'dist', 'package.json']);
    expect(await run('npm', 'ls', '--all', '--parseable')).toMatch(/^[^\n]+\n[^\n]+@spawner\/client\n$/);
  });

  it('works in Node 20', async () => {
    const node = await oldestNode(join(dir.path, 'node'));
    expect(await run(node, '--version')).toMatch(/^v20\./);
    const source = `import { Spawner } from '@spawner/client';
      const url = process.argv[2];
      ${USE}
      console.log(JSON.stringify(result));`;
    await writeFile(join(dir.path, 'main.js'), source);
    expect(JSON.parse(await run(node, 'main.js', gateway.url))).toEqual(EXPECTED);
  });

  it('has types that a strict project accepts, and that refuse an unknown field of a spec', async () => {
    const check = async (image: string) => {
      const source = `import { type Backend, Spawner } from '@spawner/client';
        const spawner = new Spawner({ url: 'http://localhost:8080' });
        export const backend: Promise<Backend> = spawner.spawn({ ${image}: 'spawner/demo:latest' });`;
      await writeFile(join(dir.path, 'main.ts'), source);
      const flags = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022', '--types', ''];
      return run(join(ROOT, 'node_modules/.bin/tsc'), ...flags, 'main.ts');
    };
    await check('image');
    await expect(check('imgae')).rejects.toMatchObject({ stdout: expect.stringContaining("'imgae'") });
  });

  it('works in a bundle for browsers', async () => {
    const contents = `import { Spawner } from '@spawner/client';
      export async function use(url) { ${USE} return result; }`;
    const { outputFiles } = await build({
      stdin: { contents, resolveDir: dir.path },
      bundle: true,
      format: 'iife',
      globalName: 'bundle',
      platform: 'browser',
      write: false,
    });
    const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
    try {
      const page = await browser.newPage({ bypassCSP: true });
      await page.goto(gateway.url);
      await page.addScriptTag({ content: outputFiles[0]!.text });
      expect(await page.evaluate('bundle.use(location.origin)')).toEqual(EXPECTED);
    } finally {
      await browser.close();
    }
  });
});
