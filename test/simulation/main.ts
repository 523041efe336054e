/** `npm run simulate -- --seeds N [--seed S] [--from S] [--trace] [--mutation NAME]`: worlds of seeds, two at a time. */
import { parseArgs } from 'node:util';
import { changeModules } from './mutations/changed-modules.ts';
import { changesOf } from './mutations/mutations.ts';
import { simulateMany } from './workers.ts';
import { missed } from './world/coverage.ts';

const TAIL = 60;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    seed: { type: 'string' },
    from: { type: 'string', default: '1' },
    mutation: { type: 'string' },
    trace: { type: 'boolean', default: false },
  },
});
process.exitCode = await (values.seed === undefined
  ? many(Number(values.from), Number(values.seeds))
  : one(Number(values.seed)));

async function one(seed: number): Promise<number> {
  const changes = changesOf(values.mutation);
  changeModules(changes);
  const { simulate } = await import('./simulate.ts');
  const { violation, hash, events, lines, counts } = await simulate(seed, { telling: true, changes });
  if (values.trace || violation) console.log(lines.slice(values.trace ? 0 : -TAIL).join('\n'));
  const end = violation ? `${violation.invariant}: ${violation.message}` : 'every invariant held';
  console.log(JSON.stringify(counts));
  console.log(`seed ${seed}: ${end} (trace ${hash}, ${events} notes)`);
  return violation ? 1 : 0;
}

async function many(from: number, count: number): Promise<number> {
  const began = performance.now();
  const { failures, done, processorMs, counts } = await simulateMany({
    from,
    count,
    mutation: values.mutation,
  });
  for (const { seed, invariant, message } of failures)
    console.log(`seed ${seed}: ${invariant}: ${message}\n  again: npm run simulate -- --seed ${seed}`);
  const short = missed(counts, done);
  for (const line of short) console.log(`coverage: ${line}`);
  console.log(
    Object.entries(counts)
      .map(([what, seen]) => `${what} ${seen}`)
      .join(', '),
  );
  const seconds = ((performance.now() - began) / 1_000).toFixed(1);
  const each = (processorMs / Math.max(1, done)).toFixed(1);
  console.log(`${done} seeds in ${seconds} s, ${each} ms of processor each: ${failures.length} failed`);
  return failures.length + short.length > 0 || done < count ? 1 : 0;
}
