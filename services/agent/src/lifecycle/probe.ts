import { get } from 'node:http';
import { connect } from 'node:net';
import type { Clock } from '@spawner/domain';
import type { Endpoint } from '@spawner/proto/internal/backend_status';

/** A local connection succeeds or is refused at once. The first answer of a program may be slow. */
const CONNECT_MS = 1_000;
const ANSWER_MS = 5_000;

/**
 * Resolves when the program accepts a TCP connection, or with a path, answers HTTP with a status below 500. Between
 * attempts it waits a twentieth of the time that has passed, from 10 to 250 ms. A quick program is noticed quickly, and a
 * slow one costs little. Rejects when the signal aborts.
 */
export async function untilAnswers(
  { endpoint, httpPath }: ProbeTarget,
  clock: Clock,
  signal: AbortSignal,
  attempt: Attempt = answers,
): Promise<void> {
  const began = clock.now();
  for (;;) {
    signal.throwIfAborted();
    if (await attempt(endpoint, httpPath)) return;
    const waited = clock.now() - began;
    await clock.sleep(Math.min(250, Math.max(10, waited / 20)), signal);
  }
}

export interface ProbeTarget {
  readonly endpoint: Endpoint;
  /** Empty for a TCP connection. */
  readonly httpPath: string;
}

/** One attempt. Resolves with whether the program answered, and never rejects. */
export type Attempt = (endpoint: Endpoint, httpPath: string) => Promise<boolean>;

/** An attempt over the network. */
export function answers(endpoint: Endpoint, httpPath: string): Promise<boolean> {
  return httpPath === '' ? connects(endpoint) : answersHttp(endpoint, httpPath);
}

function connects({ host, port }: Endpoint): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: CONNECT_MS });
    const end = (answered: boolean) => {
      socket.destroy();
      resolve(answered);
    };
    socket.once('connect', () => end(true));
    socket.once('timeout', () => end(false));
    socket.once('error', () => end(false));
  });
}

function answersHttp({ host, port }: Endpoint, path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get({ host, port, path, agent: false, headers: { 'user-agent': 'spawner-probe' } });
    const late = setTimeout(() => end(false), ANSWER_MS);
    const end = (answered: boolean) => {
      clearTimeout(late);
      request.destroy();
      resolve(answered);
    };
    request.once('response', ({ statusCode = 500 }) => end(statusCode < 500));
    request.on('error', () => end(false));
  });
}
