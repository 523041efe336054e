import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Clock, isAppError } from '@spawner/domain';
import type { Answer } from './reply.ts';

/** How long what a caller still sends is read and dropped after its request was refused. */
const LINGER_MS = 2_000;

const SAFE = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

/** Puts an answer on the wire. A stream waits for a slow reader, and is cut where its source fails. */
export async function send(
  request: IncomingMessage,
  response: ServerResponse,
  { reply, headers }: Answer,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  switch (reply.kind) {
    case 'empty':
      response.writeHead(reply.status, { ...SAFE, ...headers }).end();
      return;
    case 'text':
      response.writeHead(reply.status, {
        ...SAFE,
        'content-length': Buffer.byteLength(reply.body),
        'content-type': reply.type,
        ...headers,
        ...reply.headers,
      });
      return sendBody(request, response, clock, reply.body, headers.connection === 'close');
    case 'stream':
      response.writeHead(reply.status, {
        ...SAFE,
        'content-type': reply.type,
        'x-accel-buffering': 'no',
        ...headers,
        ...reply.headers,
      });
      return sendStream(request, response, reply.chunks, signal);
  }
}

/**
 * Answers a caller that may still be sending. Closing the connection at once would lose the answer, so the answer is sent,
 * the rest of the request is dropped, and then the connection is closed.
 */
async function sendBody(
  request: IncomingMessage,
  response: ServerResponse,
  clock: Clock,
  body: string,
  last: boolean,
): Promise<void> {
  if (!last || request.complete) {
    response.end(body);
    return;
  }
  response.write(body);
  const over = new AbortController();
  request.once('end', () => over.abort()).once('close', () => over.abort());
  request.resume();
  await clock.sleep(LINGER_MS, over.signal).catch(() => {});
  response.end();
}

async function sendStream(
  request: IncomingMessage,
  response: ServerResponse,
  chunks: AsyncIterable<string>,
  signal: AbortSignal,
): Promise<void> {
  response.flushHeaders();
  request.socket.setKeepAlive(true, 30_000);
  if (request.method === 'HEAD') return void response.end();
  try {
    for await (const chunk of chunks) {
      if (signal.aborted) break;
      if (!response.write(chunk)) await once(response, 'drain', { signal }).catch(() => {});
    }
    response.end();
  } catch (error) {
    response.destroy();
    if (!signal.aborted && !isAppError(error)) throw error;
  }
}
