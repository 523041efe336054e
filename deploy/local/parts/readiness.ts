/** Whether the services are ready: asks each of them, and the gateway, which must list the drone. */
import { get as request } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Clock } from '@spawner/domain';

const ASK_EVERY_MS = 50;
const ANSWER_WITHIN_MS = 2_000;

export type Get = (url: string) => Promise<{ status: number; body: string }>;

/** node:http, because `fetch` would take a tenth of a second to load just when every service needs the processor. */
export const httpGet: Get = (url) =>
  new Promise((resolve, reject) => {
    const call = request(url, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS), agent: false }, (answer) => {
      text(answer).then((body) => resolve({ status: answer.statusCode ?? 0, body }), reject);
    });
    call.once('error', reject);
  });

export interface Waiting {
  clock: Clock;
  signal: AbortSignal;
  withinMs: number;
  get?: Get;
}

/** Resolves when the service behind this admin port is ready. Rejects after `withinMs` with the service's reasons. */
export function serviceReady(name: string, adminUrl: string, waiting: Waiting): Promise<void> {
  return until(waiting, async (get) => {
    const { status, body } = await get(`${adminUrl}/readyz`);
    return status === 200 ? undefined : `${name} is not ready: ${body.trim()}`;
  });
}

/** Resolves when the gateway lists this drone as READY. Rejects after `withinMs` with its list. */
export function droneReady(apiUrl: string, droneId: string, waiting: Waiting): Promise<void> {
  return until(waiting, async (get) => {
    const { status, body } = await get(`${apiUrl}/v1/drones`);
    return status === 200 && listsReadyDrone(body, droneId)
      ? undefined
      : `no drone is ready yet: ${body.trim()}`;
  });
}

/** Whether the body of GET /v1/drones lists this drone as READY. */
export function listsReadyDrone(body: string, droneId: string): boolean {
  const { drones = [] } = JSON.parse(body) as { drones?: { id?: string; state?: string }[] };
  return drones.some(({ id, state }) => id === droneId && state === 'READY');
}

/** Repeats the check until it has no complaint. */
async function until(
  { clock, signal, withinMs, get = httpGet }: Waiting,
  check: (get: Get) => Promise<string | undefined>,
): Promise<void> {
  const deadline = clock.now() + withinMs;
  for (;;) {
    const complaint = await check(get).catch((error: unknown) => wordsOf(error));
    if (complaint === undefined) return;
    signal.throwIfAborted();
    if (clock.now() > deadline) throw new Error(`not ready within ${withinMs / 1000} s: ${complaint}`);
    await clock.sleep(ASK_EVERY_MS, signal);
  }
}

function wordsOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}
