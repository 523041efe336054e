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
import type { Payload, StreamEnd } from './payload.ts';

/** An HTTP/2 request with fields that no client library would send, and the outcome that we chose. */
export interface Http2Payload extends Payload {
  fields: [name: string, value: string][];
  /** One DATA frame each; if undefined, the stream ends with its headers. */
  data?: string[];
  trailers?: [name: string, value: string][];
  /** The client resets the stream instead of ending it. */
  reset?: boolean;
}

const SILENCE_MS = 1_500;
const ANSWER_MS = 20_000;
const STREAM = 1;
const CANCEL = 8;

/** Sends a payload on its own connection, and then other clients' requests. */
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
  let end: StreamEnd | undefined;
  let left = Buffer.alloc(0);
  socket.on('error', () => {});
  socket.on('close', () => {
    end ??= 'lost';
  });
  socket.on('data', (chunk: Buffer) => {
    const { frames, rest } = framesIn(Buffer.concat([left, chunk]));
    left = Buffer.from(rest);
    for (const { type, flags, stream, payload: bytes } of frames) {
      if (type === SETTINGS && flags === 0) socket.write(SETTINGS_ACK);
      if (type === HEADERS && stream === STREAM) status ??= statusOf(bytes);
      if (stream === STREAM && (type === HEADERS || type === DATA) && (flags & END_STREAM) !== 0)
        end ??= 'answer';
      if (type === RST_STREAM && stream === STREAM) end ??= 'stream error';
      if (type === GOAWAY) end ??= 'connection error';
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
    end ??= 'own reset';
    await eventually(() => !recorder.hasBegun(), { timeoutMs: ANSWER_MS }).catch(() => {});
  }
  const timeoutMs = payload.right === 'waits' ? SILENCE_MS : ANSWER_MS;
  await eventually(() => end !== undefined, { timeoutMs, everyMs: 5 }).catch(() => {});
  const poisoned = await followUps(course);
  socket.destroy();
  const { requests, disagreements } = recorder.take();
  return {
    answers: end === 'answer' && status !== undefined ? [{ status, headers: [], body: '' }] : [],
    interim: 0,
    rest: 'nothing',
    closed: end === 'lost' || (end === 'answer' && (status ?? 0) >= 400),
    end,
    poisoned,
    disagreements,
    requests: requests.filter(({ target }) => !isFollowUp(target)),
  };
}

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
