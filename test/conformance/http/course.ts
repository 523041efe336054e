import { connect, type Socket } from 'node:net';
import { eventually } from '@spawner/testkit';
import { type Answers, readAnswers } from './answers.ts';
import type { Payload } from './payload.ts';
import type { Recorder, Recording } from './recorder.ts';

/** A way through one proxy to a recorder of its own, on which one payload is sent after the other. */
export interface Course {
  port: number;
  host: string;
  recorder: Recorder;
  /** A header that this proxy adds to everything it forwards; what lacks it was never a request to it. */
  mark?: string;
}

export interface Observation extends Answers, Recording {
  /** The proxy has ended the connection. */
  closed: boolean;
  /** What was wrong with the requests of others that followed. */
  poisoned: string[];
}

/** An unanswered payload is given up after this. */
const PATIENCE_MS = 1_500;
const FOLLOW_UP_MS = 20_000;

/** Sends a payload, and then requests of another client that must not notice it. */
export async function run(course: Course, payload: Payload): Promise<Observation> {
  const { recorder, host, port } = course;
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
    const refused = (answers.at(-1)?.status ?? 0) >= 400;
    return client.closed || (answers.length >= Math.max(methods.length, 1) && !refused) || rest === 'tunnel';
  };
  await eventually(settled, { timeoutMs: PATIENCE_MS, everyMs: 5 }).catch(() => {});
  const poisoned = await followUps(course);
  const observation = { ...read(), closed: client.closed, poisoned };
  client.leave();
  const { requests, disagreements } = recorder.take();
  return { ...observation, disagreements, requests: requests.filter(({ target }) => !isFollowUp(target)) };
}

/**
 * Others' requests on connections of their own: a plain one, and one that a proxy with two ways of forwarding may send
 * the other way, so that what was left behind in a kept connection is met by one of them.
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
