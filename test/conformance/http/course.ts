import { connect, type Socket } from 'node:net';
import { eventually } from '@spawner/testkit';
import { type Answers, readAnswers } from './answers.ts';
import type { Payload, StreamEnd } from './payload.ts';
import type { Recorder, Recording } from './recorder.ts';

/** A route through one proxy to its own recorder, over which payloads are sent one after the other. */
export interface Course {
  port: number;
  host: string;
  recorder: Recorder;
  /** A header that this proxy adds to every request it forwards. A reference proxy has none. */
  mark?: string;
}

export interface Observation extends Answers, Recording {
  /** The proxy has ended the connection. */
  closed: boolean;
  /** How the stream of a request of HTTP/2 ended; undefined while it is open. */
  end?: StreamEnd;
  /** Faults of other clients' requests that followed. */
  poisoned: string[];
}

/** A payload that is not to be answered, or one sent to a reference proxy, is abandoned after this. */
const SILENCE_MS = 1_500;
/** Our own proxy is given longer, so that a slow machine is not taken for a hang. */
const ANSWER_MS = 20_000;
const FOLLOW_UP_MS = 20_000;

/** Sends a payload and then another client's requests, which it must not affect. */
export async function run(course: Course, payload: Payload): Promise<Observation> {
  const { recorder, host, port, mark } = course;
  recorder.take();
  recorder.follow(
    (request) => (isFollowUp(request.target) ? undefined : payload.script?.(request)),
    payload.early,
  );
  const client = await RawClient.open(port);
  for (const piece of payload.pieces) await client.send(piece.replaceAll('{host}', host));
  const methods = payload.meant.map(({ method }) => method);
  const read = () => readAnswers(client.received, methods, client.closed);
  const settled = () => {
    const { answers, rest } = read();
    const closes = payload.right === 'refused' || payload.after !== undefined;
    const answered = answers.length >= Math.max(methods.length, 1) && !closes;
    return client.closed || answered || rest === 'tunnel';
  };
  const timeoutMs = payload.right === 'waits' || mark === undefined ? SILENCE_MS : ANSWER_MS;
  await eventually(settled, { timeoutMs, everyMs: 5 }).catch(() => {});
  const poisoned = await followUps(course);
  const observation = { ...read(), closed: client.closed, poisoned };
  client.leave();
  const { requests, disagreements } = recorder.take();
  return { ...observation, disagreements, requests: requests.filter(({ target }) => !isFollowUp(target)) };
}

/**
 * Two requests of other clients, on their own connections. The second takes the general path of our proxy. So one of them
 * meets what the payload may have left behind in a pooled upstream connection.
 */
export async function followUps({ port, host }: Course): Promise<string[]> {
  const wrong: string[] = [];
  for (const [target, line] of FOLLOW_UPS) {
    const client = await RawClient.open(port);
    await client.send(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\n${line}Connection: close\r\n\r\n`);
    await eventually(() => client.closed, { timeoutMs: FOLLOW_UP_MS, everyMs: 5 }).catch(() => {});
    client.leave();
    const { answers } = readAnswers(client.received, ['GET'], true);
    if (answers.length !== 1 || answers[0]?.status !== 200 || answers[0].body !== `GET ${target}`)
      wrong.push(`${target} got ${JSON.stringify(client.received.slice(0, 200))}`);
  }
  return wrong;
}

const FOLLOW_UPS = [
  ['/follow-up/1', ''],
  ['/follow-up/2', 'TE: trailers\r\n'],
] as const;

export function isFollowUp(target: string): boolean {
  return FOLLOW_UPS.some(([own]) => own === target);
}

/** A client that sends bytes and keeps bytes. */
class RawClient {
  received = '';
  closed = false;
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      this.received += chunk.toString('latin1');
    });
    socket.on('error', () => {});
    const over = () => {
      this.closed = true;
    };
    socket.once('end', over).once('close', over);
  }

  static open(port: number): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      socket.once('error', reject);
      socket.once('connect', () => resolve(new RawClient(socket)));
    });
  }

  /** Resolves when the bytes have gone to the kernel and the other side had a turn to read them as a packet. */
  send(text: string): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.write(text, 'latin1', () => setTimeout(resolve, 1));
    });
  }

  leave(): void {
    this.#socket.destroy();
  }
}
