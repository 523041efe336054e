/**
 * Users on the machine of a proxy, as a program that can be started in another network:
 *   node test/faults/near-users.ts ADDRESS PORT DOMAIN ID…
 *
 * Ten times a second it writes one line of JSON: its figures, all failures and all slow answers so far.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { edgeOf } from '../cluster/api.ts';
import { type Failure, type Slow, startTraffic } from './traffic.ts';

const TELL_EVERY_MS = 100;

const [address = '', port = '', domain = '', ...ids] = process.argv.slice(2);
const traffic = await startTraffic(edgeOf(Number(port), domain, address), ids);
const failures: Failure[] = [];
const slow: Slow[] = [];
const over = new AbortController();
process.once('SIGTERM', () => over.abort());
while (!over.signal.aborted) {
  failures.push(...traffic.takeFailures());
  slow.push(...traffic.takeSlow());
  console.log(JSON.stringify({ ...traffic.figures(), failures, slow }));
  await wait(TELL_EVERY_MS, undefined, { signal: over.signal }).catch(() => {});
}
await traffic.stop();
