/**
 * `npm run idle -- [--schedules N] [--seed S] [--only NUMBER]`: the suite of drawn schedules, by default a thousand of
 * them, with peers that vanish. `--only` lives one schedule that a run has named. `--mutation NAME` lives a few schedules
 * with a deliberate fault of a service and succeeds if the suite finds it; `--mutations` tries each fault in turn.
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { runUnderProjectNode } from '../runner/bootstrap.mjs';

const NUMBERS = {
  schedules: 'SPAWNER_TEST_SCHEDULES',
  seed: 'SPAWNER_TEST_SEED',
  only: 'SPAWNER_TEST_SCHEDULE',
};
const { values } = parseArgs({
  options: {
    schedules: { type: 'string' },
    seed: { type: 'string' },
    only: { type: 'string' },
    mutation: { type: 'string' },
    mutations: { type: 'boolean' },
  },
});
for (const name of Object.keys(NUMBERS))
  if (values[name] !== undefined && !/^\d{1,9}$/.test(values[name])) {
    console.error(`--${name} takes a whole number, not ${JSON.stringify(values[name])}`);
    process.exit(2);
  }

if (values.mutation !== undefined || values.mutations)
  process.exitCode = await runUnderProjectNode([], 'test/idle/mutants.ts', [values.mutation ?? '']);
else {
  const env = { SPAWNER_TEST_SCHEDULES: '1000', SPAWNER_TEST_VANISHING: '24', ...process.env };
  for (const [name, variable] of Object.entries(NUMBERS)) if (values[name]) env[variable] = values[name];
  const { status } = spawnSync(process.execPath, ['test/run.mjs', 'idle', 'idle/idle.test'], {
    stdio: 'inherit',
    env,
  });
  process.exitCode = status ?? 1;
}
