/** Checks that run no code of Spawner; each counts as one test. */
import { brokenBaselines } from './breaking-changes.ts';
import { runCommand } from './command.ts';
import { generatedDifferences } from './generated-code.ts';
import { add, oneFailed, onePassed, type Tally } from './tally.ts';

interface Check {
  name: string;
  /** Resolves with what is wrong, if anything. */
  run: (root: string, signal: AbortSignal) => Promise<string | undefined>;
}

const command =
  (program: string, ...args: string[]): Check['run'] =>
  async (cwd, signal) => {
    const code = await runCommand(program, args, { cwd, signal });
    return code === 0 ? undefined : `\`${[program, ...args].join(' ')}\` ended with ${code}`;
  };

const CHECKS: Check[] = [
  { name: 'types', run: command('tsc', '--noEmit') },
  { name: 'format and lint', run: command('biome', 'check', '.') },
  { name: 'contract lint', run: command('buf', 'lint') },
  {
    name: 'contract compatibility',
    run: async (root, signal) => {
      const broken = await brokenBaselines(root, signal);
      return broken.length === 0 ? undefined : broken.join('; ');
    },
  },
  {
    name: 'generated code',
    run: async (root) => {
      const differences = await generatedDifferences(root);
      return differences.length === 0
        ? undefined
        : `${differences.join('; ')}. Run \`npm run generate\` and commit.`;
    },
  },
];

export async function runChecks(root: string, signal: AbortSignal): Promise<Tally> {
  const tallies: Tally[] = [];
  for (const { name, run } of CHECKS) {
    const problem = await run(root, signal).catch((error: unknown) => String(error));
    console.log(problem ? `FAIL ${name}: ${problem}` : `PASS ${name}`);
    tallies.push(problem ? oneFailed(`${name}: ${problem}`) : onePassed);
  }
  return add(tallies);
}
