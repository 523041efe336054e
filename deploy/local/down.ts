/** Stops the `up` of this checkout from another terminal. */
import { join } from 'node:path';
import { endLeftovers, forgetClaim, judgeClaim, readClaim } from './claim/claim.ts';
import { placeOf } from './claim/place.ts';
import { isAlive } from './processes/process-ref.ts';

const WITHIN_MS = 90_000;

const place = placeOf(join(import.meta.dirname, '..', '..'));
const claim = readClaim(place);
const { running, leftovers } = judgeClaim(claim);
if (running) {
  console.log(`Stopping (pid ${running.pid}) …`);
  process.kill(running.pid, 'SIGTERM');
  const deadline = performance.now() + WITHIN_MS;
  while (isAlive(running) && performance.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 100));
  const gone = !isAlive(running);
  console.log(
    gone ? 'Stopped.' : `Still running after ${WITHIN_MS / 1000} s; see its terminal for the reason.`,
  );
  process.exitCode = gone ? 0 : 1;
} else {
  await endLeftovers(place, claim, leftovers, console.log);
  forgetClaim(place);
  console.log('Nothing is running.');
}
