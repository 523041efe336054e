/**
 * Users of running sessions: each sends an HTTP request and a WebSocket message twice a second. A failure is kept with
 * its cause and time, and so is an answer that took long; the user continues.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { eventually, type HttpAnswer } from '@spawner/testkit';
import type { WebSocket } from 'ws';

export interface Failure {
  id: string;
  kind: 'http' | 'websocket';
  cause: string;
  /** Wall time. */
  at: string;
}

/** An answer or an echo that came, after more than SLOW_MS. Wall times. */
export interface Slow {
  id: string;
  kind: Failure['kind'];
  from: number;
  to: number;
}

/** How the users come to their sessions; a cluster is one. */
export interface Edge {
  fetchBackend(id: string, path: string, options?: { timeoutMs: number }): Promise<HttpAnswer>;
  openWebSocket(id: string, path?: string): Promise<WebSocket>;
}

export interface Traffic {
  /** One user more, of this session; resolves when the WebSocket is open. */
  add(id: string): Promise<void>;
  /** All failures since the last time that they were taken. */
  takeFailures(): Failure[];
  /** All slow answers since the last call. */
  takeSlow(): Slow[];
  /** Resolves when every user has had an answer and an echo to something sent from now on; rejects after a minute. */
  round(): Promise<void>;
  /** The number of good answers and echoes, and the longest wait for one in milliseconds. */
  figures(): { requests: number; echoes: number; slowestMs: number };
  stop(): Promise<void>;
}

interface User {
  id: string;
  requests: number;
  echoes: number;
}

const EVERY_MS = 500;
/** An answer after more than this is slow: a proxy answers from memory, whatever part is away. */
export const SLOW_MS = 2_000;
/** No answer within this time is a failure. */
const ANSWER_WITHIN_MS = 10_000;
const ROUND_WITHIN_MS = 60_000;

/** Resolves when every WebSocket is open. */
export async function startTraffic(edge: Edge, ids: readonly string[]): Promise<Traffic> {
  const over = new AbortController();
  const failures: Failure[] = [];
  const slow: Slow[] = [];
  let slowestMs = 0;
  const users: User[] = [];
  const running: Promise<void>[] = [];
  const rest = () => wait(EVERY_MS, undefined, { signal: over.signal }).catch(() => {});
  const failed = (id: string, kind: Failure['kind'], cause: unknown) => {
    if (over.signal.aborted) return;
    failures.push({ id, kind, cause: text(cause), at: new Date().toISOString() });
  };

  const answered = (id: string, kind: Failure['kind'], from: number) => {
    const to = Date.now();
    slowestMs = Math.max(slowestMs, to - from);
    if (to - from > SLOW_MS) slow.push({ id, kind, from, to });
  };

  const ask = async (user: User) => {
    for (; !over.signal.aborted; await rest()) {
      const since = Date.now();
      try {
        const { status, body } = await edge.fetchBackend(user.id, '/name', { timeoutMs: ANSWER_WITHIN_MS });
        if (status === 200) {
          user.requests += 1;
          answered(user.id, 'http', since);
        } else failed(user.id, 'http', `${status}: ${body.slice(0, 200)}`);
      } catch (error) {
        failed(user.id, 'http', error);
      }
    }
  };
  const talk = async (user: User, first: WebSocket) => {
    for (let socket: WebSocket | undefined = first; !over.signal.aborted; await rest()) {
      try {
        socket ??= await edge.openWebSocket(user.id);
        await echoes(socket, over.signal, async (sentAt) => {
          user.echoes += 1;
          answered(user.id, 'websocket', sentAt);
          await rest();
        });
      } catch (error) {
        failed(user.id, 'websocket', error);
      }
      socket?.terminate();
      socket = undefined;
    }
  };

  const add = async (id: string) => {
    const socket = await edge.openWebSocket(id);
    const user = { id, requests: 0, echoes: 0 };
    users.push(user);
    running.push(ask(user), talk(user, socket));
  };
  await Promise.all(ids.map(add));
  const total = (kind: 'requests' | 'echoes') => users.reduce((sum, user) => sum + user[kind], 0);
  return {
    add,
    takeFailures: () => failures.splice(0),
    takeSlow: () => slow.splice(0),
    round: async () => {
      const before = users.map((user) => ({ ...user }));
      // The first of two may have been on its way at the call.
      const hadTwo = (then: User, index: number) =>
        users[index]!.requests >= then.requests + 2 && users[index]!.echoes >= then.echoes + 2;
      await eventually(() => before.every(hadTwo), { timeoutMs: ROUND_WITHIN_MS });
    },
    figures: () => ({
      requests: total('requests'),
      echoes: total('echoes'),
      slowestMs: Math.round(slowestMs),
    }),
    stop: async () => {
      over.abort();
      await Promise.all(running);
    },
  };
}

/** Sends one message after another, each after the echo of the last; rejects when the socket closes or no echo comes. */
async function echoes(
  socket: WebSocket,
  signal: AbortSignal,
  echoed: (sentAt: number) => Promise<void>,
): Promise<void> {
  const end = new AbortController();
  let heard = '';
  const closed = new Promise<string>((resolve) => {
    socket.once('close', (code, reason) => resolve(`closed with ${code} ${reason.toString()}`));
    socket.once('error', (error) => resolve(text(error)));
  });
  socket.on('message', (data) => {
    heard = data.toString();
  });
  closed.then(() => end.abort());
  try {
    for (let number = 1; !signal.aborted; number += 1) {
      if (socket.readyState !== socket.OPEN) throw new Error(await closed);
      const sentAt = Date.now();
      socket.send(String(number));
      await eventually(() => end.signal.aborted || heard === `echo: ${number}`, {
        timeoutMs: ANSWER_WITHIN_MS,
      });
      if (heard !== `echo: ${number}`) throw new Error(await closed);
      await echoed(sentAt);
    }
  } finally {
    socket.removeAllListeners('message');
  }
}

function text(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
