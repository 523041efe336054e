import { connect } from 'node:tls';
import { eventually } from '@spawner/testkit';
import { type Course, followUps, isFollowUp, type Observation } from './course.ts';
import {
  block,
  DATA,
  END_HEADERS,
  END_STREAM,
  frame,
  framesIn,
  GOAWAY,
  HEADERS,
  PREFACE,
  RST_STREAM,
  SETTINGS,
  SETTINGS_ACK,
  statusOf,
} from './http2-frames.ts';
import type { Payload } from './payload.ts';

/** A request of HTTP/2 with fields that no client would send, and what is right of it. */
export interface Http2Payload extends Payload {
  fields: [name: string, value: string][];
  /** One DATA frame each; nothing where the stream ends with its headers. */
  data?: string[];
  trailers?: [name: string, value: string][];
  /** The stream is reset where it would end. */
  reset?: boolean;
}

const PATIENCE_MS = 1_500;
const STREAM = 1;

/** Sends it on a connection of its own; a stream's reset counts as a refusal, since it ends nothing but itself. */
export async function runHttp2(
  course: Course,
  securePort: number,
  payload: Http2Payload,
): Promise<Observation> {
  const { recorder, host } = course;
  recorder.take();
  recorder.follow(() => undefined);
  const socket = connect({
    port: securePort,
    host: '127.0.0.1',
    servername: host,
    ALPNProtocols: ['h2'],
    rejectUnauthorized: false,
  });
  let status: number | undefined;
  let over = false;
  let refused = false;
  let left = Buffer.alloc(0);
  socket.on('error', () => {});
  socket.on('close', () => {
    refused ||= !over;
  });
  socket.on('data', (chunk: Buffer) => {
    const { frames, rest } = framesIn(Buffer.concat([left, chunk]));
    left = Buffer.from(rest);
    for (const { type, flags, stream, payload: bytes } of frames) {
      if (type === SETTINGS && flags === 0) socket.write(SETTINGS_ACK);
      if (type === HEADERS && stream === STREAM) status ??= statusOf(bytes);
      if (stream === STREAM && (type === HEADERS || type === DATA) && (flags & END_STREAM) !== 0) over = true;
      if (type === GOAWAY || (type === RST_STREAM && stream === STREAM && !over)) refused = true;
    }
  });
  socket.once('secureConnect', () =>
    socket.write(
      Buffer.concat([PREFACE, frame(SETTINGS, 0, 0, Buffer.alloc(0)), ...framesOf(payload, host)]),
    ),
  );
  if (payload.reset) {
    await eventually(() => recorder.hasBegun());
    socket.write(frame(RST_STREAM, 0, STREAM, Buffer.of(0, 0, 0, CANCEL)));
    refused = true;
    await eventually(() => !recorder.hasBegun(), { timeoutMs: PATIENCE_MS }).catch(() => {});
  }
  await eventually(() => over || refused, { timeoutMs: PATIENCE_MS, everyMs: 5 }).catch(() => {});
  const poisoned = await followUps(course);
  socket.destroy();
  const { requests, disagreements } = recorder.take();
  const said = over ? status : refused ? RESET : undefined;
  return {
    answers: said === undefined ? [] : [{ status: said, headers: [], body: '' }],
    interim: 0,
    rest: 'nothing',
    closed: refused || (said ?? 0) >= 400,
    poisoned,
    disagreements,
    requests: requests.filter(({ target }) => !isFollowUp(target)),
  };
}

const CANCEL = 8;
/** Stands for a reset in the table. */
const RESET = 400;

function framesOf({ fields, data, trailers, reset }: Http2Payload, host: string): Buffer[] {
  const own = (some: [string, string][]) =>
    block(some.map(([name, value]) => [name, value.replaceAll('{host}', host)] as const));
  const last = data === undefined && trailers === undefined;
  const parts = (data ?? []).map((text, at) => {
    const ends = at === (data?.length ?? 0) - 1 && trailers === undefined && !reset;
    return frame(DATA, ends ? END_STREAM : 0, STREAM, Buffer.from(text, 'latin1'));
  });
  return [
    frame(HEADERS, END_HEADERS | (last ? END_STREAM : 0), STREAM, own(fields)),
    ...parts,
    ...(trailers ? [frame(HEADERS, END_HEADERS | END_STREAM, STREAM, own(trailers))] : []),
  ];
}
