/** Lives a few schedules with each deliberate fault (mutations.ts), or with the one that is named: the suite is to find every one. */
import { spawnSync } from 'node:child_process';
import { MUTATIONS } from './mutations.ts';

const SCHEDULES = '60';
/** Proxies are killed and frozen often, so that a few schedules see enough of it. */
const TROUBLE_MS = '2500';
const LONGEST_MS = 240_000;
/** A complaint of the suite that a session was ended in use or too early; a late end, or another failure, proves nothing. */
const FOUND = /"schedule \d+: (?!.* after its timeout).*"/g;

const [wanted = ''] = process.argv.slice(2);
const names = wanted === '' ? Object.keys(MUTATIONS) : [wanted];
let missed = 0;
for (const name of names) {
  if (!MUTATIONS[name]) {
    console.error(`no mutation is called ${name}; there are ${Object.keys(MUTATIONS).join(', ')}`);
    process.exit(2);
  }
  const env = {
    SPAWNER_TEST_SCHEDULES: SCHEDULES,
    SPAWNER_TEST_TROUBLE_MS: TROUBLE_MS,
    SPAWNER_TEST_VANISHING: '0',
    ...process.env,
    SPAWNER_TEST_MUTATION: name,
  };
  const args = ['test/run.mjs', 'idle', 'idle.test'];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    env,
    timeout: LONGEST_MS,
    maxBuffer: 1e8,
  });
  const found = `${stdout}${stderr}`.match(FOUND) ?? [];
  const caught = status !== 0 && found.length > 0;
  if (!caught) missed += 1;
  console.log(
    `${caught ? 'found' : 'MISSED'} ${name}: ${found.length} complaints${caught ? `, such as ${found[0]}` : ''}`,
  );
  if (!caught && found.length === 0) console.log(`${stdout}${stderr}`.slice(-2_000));
}
console.log(`${names.length - missed} of ${names.length} deliberate faults were found`);
process.exitCode = missed === 0 ? 0 : 1;
