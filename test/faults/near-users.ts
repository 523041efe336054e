/**
 * Users on the machine of a proxy, as a program of their own that can be started in another network:
 *   node test/faults/near-users.ts ADDRESS PORT DOMAIN ID…
 * Once each has a WebSocket it says, ten times a second, in one line of JSON what came of it so far: figures, and all
 * failures.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { edgeOf } from '../cluster/api.ts';
import { type Failure, startTraffic } from './traffic.ts';

const TELL_EVERY_MS = 100;

const [address = '', port = '', domain = '', ...ids] = process.argv.slice(2);
const traffic = await startTraffic(edgeOf(Number(port), domain, address), ids);
const failures: Failure[] = [];
const over = new AbortController();
process.once('SIGTERM', () => over.abort());
while (!over.signal.aborted) {
  failures.push(...traffic.takeFailures());
  console.log(JSON.stringify({ ...traffic.figures(), failures }));
  await wait(TELL_EVERY_MS, undefined, { signal: over.signal }).catch(() => {});
}
await traffic.stop();
