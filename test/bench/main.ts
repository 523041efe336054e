/**
 * `npm run bench -- NAME`: runs one benchmark, which prints a table, and ends with one line
 * `{"bench": NAME, "figures": {…}}`.
 */
export type Figures = Readonly<Record<string, number | string>>;
export type Benchmark = () => Promise<Figures>;

const BENCHMARKS: Readonly<Record<string, () => Promise<{ bench: Benchmark }>>> = {
  'control-plane': () => import('./control-plane.ts'),
  'idle-websockets': () => import('./idle-websockets.ts'),
  proxy: () => import('./proxy.ts'),
  routes: () => import('./routes.ts'),
  spawn: () => import('./spawn.ts'),
};

const name = process.argv[2] ?? '';
const load = BENCHMARKS[name];
if (!load) {
  console.error(`usage: npm run bench -- ${Object.keys(BENCHMARKS).join(' | ')}`);
  process.exit(2);
}
const { bench } = await load();
const figures = await bench();
console.log(JSON.stringify({ bench: name, figures }));
process.exit(0);
