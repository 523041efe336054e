/** One connection of a user, as bare as its use needs: HTTP that may leave early, and WebSockets with and without manners. */
import { once } from 'node:events';
import { type Agent, type ClientRequest, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { WebSocket } from 'ws';

/** Where a user comes in, and from where. */
export interface Door {
  readonly port: number;
  readonly host: string;
  readonly localAddress?: string;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
  /** Wall time of the last byte that came. */
  readonly heardAt: number;
}

interface Asking {
  readonly path: string;
  readonly method?: string;
  readonly agent?: Agent;
  /** The user leaves this long after the head of an answer of 200, whether or not it is whole. */
  readonly leaveAfterMs?: number;
  /** The user leaves this long after asking. */
  readonly patienceMs?: number;
  /** Writes the body and ends it. */
  readonly send?: (outgoing: ClientRequest) => void;
}

/** No use lasts longer; one that does is broken. */
const LONGEST_MS = 60_000;

/** Resolves with what had come by the end, or by the user's leaving; rejects when the connection fails before. */
export function ask(
  door: Door,
  { path, method, agent, leaveAfterMs, patienceMs, send }: Asking,
): Promise<Answer> {
  const { port, host, localAddress } = door;
  const outgoing = request({
    ...{ host: '127.0.0.1', port, localAddress, path, method },
    ...{ headers: { host }, agent: agent ?? false },
  });
  const over = new AbortController();
  const seen = { status: 0, body: '', heardAt: 0 };
  return new Promise<Answer>((resolve, reject) => {
    const leave = () => {
      resolve(seen);
      outgoing.destroy();
    };
    const after = (ms: number, then: () => void) => {
      const timer = setTimeout(then, ms);
      over.signal.addEventListener('abort', () => clearTimeout(timer));
    };
    after(LONGEST_MS, () => outgoing.destroy(new Error(`${path} had no end within ${LONGEST_MS} ms`)));
    if (patienceMs !== undefined) after(patienceMs, leave);
    outgoing.on('error', reject);
    outgoing.once('response', (incoming) => {
      seen.status = incoming.statusCode ?? 0;
      seen.heardAt = Date.now();
      if (leaveAfterMs !== undefined && seen.status === 200) after(leaveAfterMs, leave);
      incoming.setEncoding('latin1');
      incoming.on('data', (chunk: string) => {
        seen.body += chunk;
        seen.heardAt = Date.now();
      });
      incoming.on('error', reject);
      incoming.once('end', () => resolve(seen));
    });
    if (send) send(outgoing);
    else outgoing.end();
  }).finally(() => over.abort());
}

/** Answered, but not with 200 or 101. */
export class Refused extends Error {
  readonly status: number;
  constructor(status: number, why = '') {
    super(`answered ${status} ${why}`);
    this.status = status;
  }
}

export async function openWebSocket({ port, host, localAddress }: Door, path: string): Promise<WebSocket> {
  const options = { headers: { host }, localAddress, handshakeTimeout: LONGEST_MS };
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, options);
  const refused = new Promise<never>((_, reject) => {
    socket.once('unexpected-response', (outgoing, { statusCode = 0 }) => {
      outgoing.destroy();
      reject(new Refused(statusCode));
    });
    socket.once('error', reject);
  });
  await Promise.race([once(socket, 'open'), refused]);
  socket.on('error', () => {});
  return socket;
}

/** A socket that has sent this request and, where it is a handshake, has been answered with 101. */
export async function openRaw(door: Door, path: string, handshake: boolean): Promise<Socket> {
  const { port, host, localAddress } = door;
  const socket = connect({ host: '127.0.0.1', port, localAddress, allowHalfOpen: true });
  await once(socket, 'connect');
  const upgrade =
    'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${handshake ? upgrade : ''}\r\n`);
  if (handshake) {
    const late = AbortSignal.timeout(LONGEST_MS);
    const [head] = (await Promise.race([once(socket, 'data', { signal: late }), endOf(socket)])) as [Buffer];
    const status = Number(/^HTTP\/1.1 (\d+)/.exec(head.toString('latin1'))?.[1]);
    if (status !== 101) {
      socket.destroy();
      throw new Refused(status);
    }
  }
  socket.on('error', () => {});
  return socket.resume();
}

async function endOf(socket: Socket): Promise<never> {
  await once(socket, 'close');
  throw new Error('the connection was closed before an answer');
}
