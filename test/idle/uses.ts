/** One use of a session, by kind: what the user does, and what has to be true of it as long as the user stays. */
import { once } from 'node:events';
import type { Agent } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { type Answer, ask, type Door, openRaw, openWebSocket, Refused } from './connection.ts';
import type { Use, UseKind } from './schedule.ts';

export interface Visit extends Door {
  /** The answer of the session's backend; any other one comes from the wrong backend. */
  readonly name: string;
  /** Sockets that stay open and idle until the session is over. */
  readonly keptAlive: Agent;
  /** Its program's own address, past every proxy. */
  readonly local: { readonly host: string; readonly port: number };
  /** From now on nothing passes between this user's address and the world. */
  vanish(): Promise<void>;
  /** The time since this wall time in which the proxy was not frozen. */
  awakeMs(since: number): number;
}

export interface Outcome {
  /** `over`: told 410. `broken`: anything else that must not happen to a session in use. */
  readonly is: 'served' | 'over' | 'broken';
  readonly cause?: string;
  /** The cause is that nothing came for so long, which is too long on a machine that is not busy. */
  readonly stillMs?: number;
  /** Wall times: it was certainly in use then, and certainly is not any more. */
  readonly inUseUntil: number;
  readonly overAt: number;
}

/** The time to find a peer that vanished (services/proxy/src/transports/node/tunnel.ts): three probes after 30 s, 10 s apart. */
const KEEP_ALIVE_MS = 60_000;
/** A stream is broken if nothing comes for this long, the time in which its proxy was frozen (proxies.ts) not counted. */
export const STILL_MS = 2_000;
/** Timers count from their loop's last turn. */
const EARLY_MS = 20;
const PIECES = 5;
const PIECE = Buffer.alloc(2_000, 'x');
const GONE = 410;
const LONG_MS = 600_000;

type InUse = { inUseUntil: number; overAt?: number };
type Way = (use: Use, visit: Visit, began: number) => Promise<InUse>;

/** Does it; never rejects. */
export async function use(planned: Use, visit: Visit): Promise<Outcome> {
  const began = Date.now();
  try {
    const { inUseUntil, overAt = Date.now() } = await WAYS[planned.kind](planned, visit, began);
    return { is: 'served', inUseUntil, overAt };
  } catch (error) {
    const overAt = Date.now();
    if (error instanceof Refused && error.status === GONE) return { is: 'over', inUseUntil: 0, overAt };
    const cause = `${planned.kind}: ${(error as Error).message}`;
    const stillMs = error instanceof Still ? error.ms : undefined;
    return { is: 'broken', cause, stillMs, inUseUntil: 0, overAt };
  }
}

class Still extends Error {
  readonly ms: number;
  constructor(ms: number) {
    super(`nothing came for ${ms} ms`);
    this.ms = ms;
  }
}

export type Count = 'request' | 'stream' | 'webSocket';

/** As what a use is counted. */
export function countedAs(kind: UseKind): Count {
  if (/webSocket/i.test(kind)) return 'webSocket';
  return kind === 'request' || kind === 'keptAlive' ? 'request' : 'stream';
}

const WAYS: Record<UseKind, Way> = {
  request: async (_, visit, began) => {
    expectBody(served(await ask(visit, { path: '/' })), visit.name);
    return { inUseUntil: began };
  },
  keptAlive: async (_, visit, began) => {
    expectBody(served(await ask(visit, { path: '/', agent: visit.keptAlive })), visit.name);
    return { inUseUntil: began };
  },
  download: async ({ forMs }, visit, began) => {
    const { body } = served(await ask(visit, { path: `/download?ms=${forMs}` }));
    if (!body.endsWith('end')) throw new Error(`the download stopped after ${body.length} bytes`);
    return { inUseUntil: began + forMs - EARLY_MS };
  },
  downloadLeft: async ({ forMs }, visit) =>
    left(visit, await ask(visit, { path: `/download?ms=${LONG_MS}`, leaveAfterMs: forMs })),
  events: async ({ forMs }, visit) => left(visit, await ask(visit, { path: '/events', leaveAfterMs: forMs })),
  upload: async ({ forMs }, visit) => {
    let lastPieceAt = 0;
    const answer = await ask(visit, {
      path: '/upload',
      method: 'POST',
      send: (outgoing) => {
        let sent = 0;
        const timer = setInterval(() => {
          lastPieceAt = Date.now();
          outgoing.write(PIECE);
          sent += 1;
          if (sent === PIECES) outgoing.end();
        }, forMs / PIECES);
        outgoing.once('finish', () => clearInterval(timer)).once('close', () => clearInterval(timer));
      },
    });
    expectBody(served(answer), String(PIECES * PIECE.length));
    return { inUseUntil: lastPieceAt };
  },
  longPoll: async ({ forMs }, visit, began) => {
    expectBody(served(await ask(visit, { path: `/poll?ms=${forMs}` })), visit.name);
    return { inUseUntil: began + forMs - EARLY_MS };
  },
  longPollLeft: async ({ forMs }, visit) => {
    const answer = await ask(visit, { path: `/poll?ms=${LONG_MS}`, patienceMs: forMs });
    // Left without an answer; whether the request had come to the backend by then is not known here.
    if (answer.status !== 0) served(answer);
    return { inUseUntil: 0 };
  },
  chattyWebSocket: async ({ forMs }, visit) => {
    const socket = await openWebSocket(visit, '/ws');
    let [heard, heardAt] = [0, Date.now()];
    socket.on('message', () => {
      heard += 1;
      heardAt = Date.now();
    });
    const early = closedEarly(socket);
    for (let said = 1, until = Date.now() + forMs; Date.now() < until || heard === 0; said += 1) {
      socket.send(`message ${said}`);
      await Promise.race([pause(100), early]);
      runsOn(visit, heardAt);
    }
    const inUseUntil = Date.now();
    socket.close(1_000);
    await early.catch(() => {});
    return { inUseUntil };
  },
  silentWebSocket: async ({ forMs }, visit) => {
    const socket = await openWebSocket(visit, '/ws');
    const early = closedEarly(socket);
    await Promise.race([pause(forMs), early]);
    const inUseUntil = Date.now();
    socket.close(1_000);
    await early.catch(() => {});
    return { inUseUntil };
  },
  webSocketClosedByBackend: async ({ forMs }, visit, began) => {
    const socket = await openWebSocket(visit, `/ws?ms=${forMs}`);
    const code = await new Promise<number>((resolve) => socket.once('close', resolve));
    if (code !== 1_000) throw new Error(`closed with ${code}, not by the backend's 1000`);
    return { inUseUntil: began + forMs - EARLY_MS };
  },
  webSocketHalfClosed: (planned, visit) => halfClosed(planned, visit, '/ws'),
  webSocketHalfOpen: (planned, visit) => halfClosed(planned, visit, '/ws?stay'),
  webSocketReset: async ({ forMs }, visit) => {
    const socket = await openRaw(visit, '/ws', true);
    await staysOpen(socket, forMs);
    const inUseUntil = Date.now();
    socket.resetAndDestroy();
    return { inUseUntil };
  },
  besideProxies: async ({ forMs }, visit) => {
    // No proxy holds such a connection at the very end of a session, so it comes long before.
    served(await ask(visit, { path: '/' }));
    const socket = connect({ ...visit.local });
    await once(socket, 'connect');
    try {
      await staysOpen(socket, forMs);
    } finally {
      socket.destroy();
    }
    // A connection keeps it, and is seen only now and then: how long before its end it was is not known.
    return { inUseUntil: 0 };
  },
  vanishedWebSocket: (planned, visit) => vanished(planned, visit, '/ws', true),
  vanishedLongPoll: (planned, visit) => vanished(planned, visit, `/poll?ms=${LONG_MS}`, false),
};

async function halfClosed({ forMs }: Use, visit: Visit, path: string): Promise<InUse> {
  const socket = await openRaw(visit, path, true);
  await staysOpen(socket, forMs);
  const inUseUntil = Date.now();
  socket.end();
  await new Promise((resolve) => socket.once('close', resolve));
  return { inUseUntil };
}

async function vanished({ forMs }: Use, visit: Visit, path: string, handshake: boolean): Promise<InUse> {
  const socket = await openRaw(visit, path, handshake);
  if (!handshake) socket.once('data', (head) => socket.destroy(new Error(String(head).slice(0, 30))));
  await staysOpen(socket, forMs);
  const inUseUntil = Date.now();
  await visit.vanish();
  socket.destroy();
  return { inUseUntil, overAt: Date.now() + KEEP_ALIVE_MS };
}

function served(answer: Answer): Answer {
  if (answer.status === 200) return answer;
  throw new Refused(answer.status, answer.body.trim().slice(0, 200));
}

function expectBody({ body }: Answer, expected: string): void {
  if (body !== expected) throw new Error(`answered ${JSON.stringify(body.slice(0, 100))}, not ${expected}`);
}

/** A stream that its reader left: it must have continued until then. */
function left(visit: Visit, answer: Answer): InUse {
  const { heardAt, body } = served(answer);
  if (body.endsWith('end')) throw new Error('the stream had ended by itself');
  runsOn(visit, heardAt);
  return { inUseUntil: Date.now() };
}

function runsOn(visit: Visit, heardAt: number): void {
  const ms = visit.awakeMs(heardAt);
  if (ms > STILL_MS) throw new Still(ms);
}

/** Rejects when it closes, from either side. */
function closedEarly(socket: Awaited<ReturnType<typeof openWebSocket>>): Promise<never> {
  const closed = new Promise<never>((_, reject) => {
    socket.once('close', (code) => reject(new Error(`closed with ${code} while in use`)));
  });
  closed.catch(() => {});
  return closed;
}

async function staysOpen(socket: Socket, forMs: number): Promise<void> {
  let ended = false;
  const over = () => {
    ended = true;
  };
  socket.once('end', over).once('close', over);
  await pause(forMs);
  socket.off('end', over).off('close', over);
  if (ended) throw new Error('closed while in use');
}
