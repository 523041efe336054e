import { parseArgs } from 'node:util';
import { simulate } from './simulate.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    seed: { type: 'string' },
    from: { type: 'string', default: '1' },
    trace: { type: 'boolean', default: false },
  },
});
process.on('unhandledRejection', (error) => {
  console.error('unhandled', error);
});
const from = Number(values.seed ?? values.from);
const count = values.seed ? 1 : Number(values.seeds);
const began = performance.now();
let failed = 0;
for (let seed = from; seed < from + count; seed++) {
  const { violation, hash, events } = await simulate(seed);
  if (values.seed) console.log(hash, events);
  if (!violation) continue;
  failed++;
  console.log(`seed ${seed}: ${violation}`);
  if (failed < 2 || values.trace)
    console.log((await simulate(seed, true)).lines.slice(values.trace ? 0 : -40).join('\n'));
}
const cpu = process.cpuUsage();
console.log(
  count,
  'seeds',
  failed,
  'failed',
  ((performance.now() - began) / count).toFixed(1),
  'ms each,',
  ((cpu.user + cpu.system) / 1000 / count).toFixed(1),
  'of processor',
);
