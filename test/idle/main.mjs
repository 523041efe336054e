/**
 * `npm run idle -- [--schedules N] [--seed S] [--only NUMBER]`: the suite of drawn schedules with more of them, with
 * another seed, or with one schedule alone, such as one that a run has named.
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

const options = { schedules: { type: 'string' }, seed: { type: 'string' }, only: { type: 'string' } };
const { values } = parseArgs({ options });
const VARIABLES = {
  schedules: 'SPAWNER_TEST_SCHEDULES',
  seed: 'SPAWNER_TEST_SEED',
  only: 'SPAWNER_TEST_SCHEDULE',
};
const env = { ...process.env };
for (const [name, text] of Object.entries(values)) {
  if (!/^\d{1,9}$/.test(text)) {
    console.error(`--${name} takes a whole number, not ${JSON.stringify(text)}`);
    process.exit(2);
  }
  env[VARIABLES[name]] = text;
}
const { status } = spawnSync(process.execPath, ['test/run.mjs', 'idle'], { stdio: 'inherit', env });
process.exitCode = status ?? 1;
