/** One process of workers.ts: runs the seeds that it is sent, one after the other, and reports how each ended. */

import { changeModules } from './mutations/changed-modules.ts';
import { changesOf } from './mutations/mutations.ts';
import type { Job, Report } from './workers.ts';

const { mutation, until } = JSON.parse(process.argv[2] ?? '{}') as Job;
// A stack is only of use to a reader, who runs the seed alone.
Error.stackTraceLimit = 0;
const changes = changesOf(mutation);
changeModules(changes);
const { simulate } = await import('./simulate.ts');

process.on('message', (seed) => void live(seed as number));
process.send?.('ready');

async function live(seed: number): Promise<void> {
  const before = process.cpuUsage();
  try {
    const { violation, hash, counts } = await simulate(seed, { changes, judged: until });
    const { user, system } = process.cpuUsage(before);
    report({ seed, violation, hash, counts, processorMs: (user + system) / 1_000 });
  } catch (error) {
    report({ seed, error: String(error) });
  }
}

function report(one: Report): void {
  process.send?.(one);
}
