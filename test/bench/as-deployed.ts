/** The variables that a service's image sets for Node and the loader, so that benchmarks measure the shipped program. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../cluster/service-process.ts';

/** The variables of the last stage of this name. Throws if this machine lacks the allocator that they name. */
export function asDeployed(stage: string): Record<string, string> {
  const dockerfile = readFileSync(join(ROOT, 'deploy/docker/Dockerfile'), 'utf8');
  const [, lines = ''] = dockerfile.split(new RegExp(`^FROM \\S+ AS ${stage}$`, 'm'));
  const [own = ''] = lines.split(/^FROM /m);
  const words = [...own.matchAll(/^ENV (.*)$/gm)].flatMap(([, pairs = '']) => pairs.split(' '));
  const all = words.map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]);
  const { LD_PRELOAD: library, NODE_OPTIONS: options } = Object.fromEntries(all) as Record<string, string>;
  if (!library || !options) throw new Error(`the stage ${stage} sets no allocator or no options`);
  const known = execFileSync('/sbin/ldconfig', ['-p'], { encoding: 'utf8' });
  if (!known.includes(`${library} `)) throw new Error(`${library} is missing: apt-get install libjemalloc2`);
  return { LD_PRELOAD: library, NODE_OPTIONS: options };
}
