import { parseArgs } from 'node:util';
import { MUTATIONS } from './mutations.ts';
import { simulate } from './simulate.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    seed: { type: 'string' },
    from: { type: 'string', default: '1' },
    mutation: { type: 'string' },
    trace: { type: 'boolean', default: false },
  },
});
process.on('unhandledRejection', (error) => {
  console.error('unhandled', error);
});
const changed = (values.mutation && MUTATIONS[values.mutation]) || {};
const from = Number(values.seed ?? values.from);
const count = values.seed ? 1 : Number(values.seeds);
const began = performance.now();
let failed = 0;
for (let seed = from; seed < from + count; seed++) {
  const { violation, hash, events } = await simulate(seed, { changed });
  if (values.seed) console.log(hash, events);
  if (!violation) continue;
  failed++;
  console.log(`seed ${seed}: ${violation}`);
  if (failed < 2 || values.trace)
    console.log(
      (await simulate(seed, { telling: true, changed })).lines.slice(values.trace ? 0 : -40).join('\n'),
    );
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
