import { once } from 'node:events';
import { get } from 'node:http';
import { connect } from 'node:net';
import type { Clock } from '@spawner/domain';
import type { Endpoint } from '@spawner/proto/internal/backend_status';

/** A local connection succeeds or is refused at once. The first answer of a program may be slow. */
const CONNECT_MS = 1_000;
const ANSWER_MS = 5_000;

/**
 * Resolves when the program accepts a TCP connection, or with a path, answers HTTP with a status below 500. Between
 * attempts it waits a fortieth of the time that has passed, from 5 to 250 ms. A quick program is noticed quickly, and a
 * slow one costs little: a refused connection takes a tenth of a millisecond. Rejects when the signal aborts.
 */
export async function untilAnswers(
  answered: () => Promise<boolean>,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const began = clock.now();
  for (;;) {
    signal.throwIfAborted();
    if (await answered()) return;
    const waited = clock.now() - began;
    await clock.sleep(Math.min(250, Math.max(5, waited / 40)), signal);
  }
}

/** One attempt, by TCP if the path is empty. Resolves with whether the program answered, and never rejects. */
export type Attempt = (endpoint: Endpoint, httpPath: string) => Promise<boolean>;

/** An attempt over the network. */
export function answers(endpoint: Endpoint, httpPath: string): Promise<boolean> {
  const answered = httpPath === '' ? connects(endpoint) : answersHttp(endpoint, httpPath);
  return answered.catch(() => false);
}

/** Events cost half of what a promise and a signal for each attempt do. */
function connects({ host, port }: Endpoint): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: CONNECT_MS });
    const settle = (connected: boolean) => {
      socket.destroy();
      resolve(connected);
    };
    socket.once('connect', () => settle(true));
    socket.once('timeout', () => settle(false));
    socket.once('error', () => settle(false));
  });
}

async function answersHttp({ host, port }: Endpoint, path: string): Promise<boolean> {
  const signal = AbortSignal.timeout(ANSWER_MS);
  const headers = { 'user-agent': 'spawner-probe' };
  const request = get({ host, port, path, agent: false, headers });
  // Errors that follow the first, or the answer, change nothing.
  request.on('error', () => {});
  const [{ statusCode }] = await once(request, 'response', { signal }).finally(() => request.destroy());
  return statusCode < 500;
}
