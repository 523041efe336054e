/**
 * `npm run bench -- NAME [--quick] [--against DIR] [--work TEXT]`: runs one benchmark, or `all` of them one after another.
 * Each prints tables and ends with one line of JSON: its figures and the budgets that it missed. The exit code is 1 if any
 * budget was missed, a peer is missing, or a figure is not a number. A quick run of all has a budget of ten minutes itself.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import type { Benchmark, Figures, Options } from './benchmark.ts';
import { BUDGETS, budgetsAgainst, complaints } from './budgets.ts';

interface Entry {
  load(): Promise<{ bench: Benchmark }>;
  needs: string[];
}

const BENCHMARKS: Readonly<Record<string, Entry>> = {
  'control-plane': { load: () => import('./control-plane.ts'), needs: ['redis-server', 'nats-server'] },
  herd: { load: () => import('./herd.ts'), needs: ['redis-server', 'nats-server', 'dockerd'] },
  'idle-websockets': {
    load: () => import('./idle-websockets.ts'),
    needs: ['redis-server', 'nats-server', 'openssl', 'jemalloc'],
  },
  proxy: {
    load: () => import('./proxy.ts'),
    needs: ['redis-server', 'nats-server', 'openssl', 'jemalloc', 'nginx', 'haproxy', 'caddy', 'wrk'],
  },
  routes: { load: () => import('./routes.ts'), needs: ['redis-server', 'nats-server'] },
  spawn: { load: () => import('./spawn.ts'), needs: ['redis-server', 'nats-server', 'dockerd'] },
  up: { load: () => import('./up.ts'), needs: ['redis-server', 'nats-server', 'dockerd'] },
};

const QUICK_SECONDS = 600;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    against: { type: 'string' },
    work: { type: 'string' },
  },
});
const [name = ''] = positionals;
process.exitCode =
  name === 'all'
    ? await runAll(
        process.argv.slice(2).filter((word) => word !== 'all'),
        values,
      )
    : await runOne(name, values);
process.exit();

async function runOne(bench: string, options: Options): Promise<number> {
  const entry = BENCHMARKS[bench];
  if (!entry) {
    console.error(`usage: npm run bench -- ${['all', ...Object.keys(BENCHMARKS)].join(' | ')} [--quick]`);
    return 2;
  }
  await install(entry.needs);
  const figures = await (await entry.load()).bench(options);
  return report(bench, figures, options);
}

/** Installs missing peers and load generators; plain JavaScript has no types. */
async function install(names: readonly string[]): Promise<void> {
  const file = new URL('../../deploy/local/install.mjs', import.meta.url).pathname;
  const { installSystem } = (await import(file)) as { installSystem(names: readonly string[]): void };
  installSystem(names);
}

function report(bench: string, figures: Figures, { quick, work, against }: Options): number {
  const budgets = [...(BUDGETS[bench] ?? []), ...(against === undefined ? [] : budgetsAgainst(figures))];
  const missed = complaints(budgets, figures, work === undefined ? (quick ? 'quick' : 'all') : 'some');
  for (const sentence of missed) console.log(`MISSED ${sentence}`);
  console.log(JSON.stringify({ bench, figures, missed }));
  return missed.length === 0 ? 0 : 1;
}

/** Each benchmark in a process of its own, so that none measures what another left behind. */
async function runAll(args: readonly string[], { quick, against }: Options): Promise<number> {
  const results: string[] = [];
  let failed = 0;
  const all = performance.now();
  // `up` is judged by another checkout alone.
  const names = Object.keys(BENCHMARKS).filter((bench) => bench !== 'up' || against !== undefined);
  for (const bench of names) {
    console.log(`\n=== ${bench}`);
    const began = performance.now();
    const { code, last } = await runChild(bench, args);
    if (code !== 0) failed += 1;
    results.push(last ?? JSON.stringify({ bench, figures: {}, missed: [`it ended with code ${code}`] }));
    console.log(`${bench}: ${Math.round((performance.now() - began) / 1_000)} s`);
  }
  const seconds = Math.round((performance.now() - all) / 1_000);
  const late = quick && seconds > QUICK_SECONDS;
  console.log(
    `${late ? 'MISSED ' : ''}all took ${seconds} s${quick ? `, budget at most ${QUICK_SECONDS}` : ''}`,
  );
  if (late) failed += 1;
  console.log('');
  for (const result of results) console.log(result);
  return failed === 0 ? 0 : 1;
}

async function runChild(
  bench: string,
  args: readonly string[],
): Promise<{ code: number | null; last?: string }> {
  const own = new URL(import.meta.url).pathname;
  const child = spawn(process.execPath, [own, bench, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  let last: string | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('{"bench"')) last = line;
    else console.log(line);
  }
  return { code: await exited, last };
}
