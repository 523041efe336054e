/** The backend of the suite: it sends and takes as many bytes as asked, from one buffer, and reports what it saw. */
import { createHash } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { serve } from '../../integration/proxy-fixture.ts';

const PIECE = Buffer.from(Uint8Array.from({ length: 1 << 18 }, (_, at) => (at * 31) & 0xff));

export interface StreamServer extends AsyncDisposable {
  port: number;
  /** Bytes that were given to the socket of the latest download. */
  sent(): number;
  /** The times at which the events of the latest stream were sent, by `performance.now()`. */
  readonly eventsAt: readonly number[];
}

/** `GET /down?bytes=`; `POST /up` answers the length and hash of the body; `GET /events?ms=&for=` sends one every `ms`. */
export async function startStreamServer(): Promise<StreamServer> {
  let sent = 0;
  let eventsAt: number[] = [];
  const server = createServer((req, res) => {
    const { pathname, searchParams } = new URL(req.url ?? '/', 'http://backend');
    if (pathname === '/down') {
      sent = 0;
      const bytes = Number(searchParams.get('bytes'));
      res.writeHead(200, { 'Content-Length': bytes });
      void down(res, bytes, (length) => {
        sent += length;
      });
    } else if (pathname === '/events') {
      eventsAt = [];
      void events(res, Number(searchParams.get('ms')), Number(searchParams.get('for')), eventsAt);
    } else if (pathname === '/up') {
      const hash = createHash('sha1');
      let length = 0;
      req.on('data', (piece: Buffer) => {
        hash.update(piece);
        length += piece.length;
      });
      req.on('end', () => res.end(`${length} ${hash.digest('hex')}`));
    } else res.writeHead(204).end();
  });
  const listening = await serve(server);
  return {
    port: listening.port,
    sent: () => sent,
    get eventsAt() {
      return eventsAt;
    },
    [Symbol.asyncDispose]: () => listening[Symbol.asyncDispose](),
  };
}

/** This many bytes, always the same, in pieces. */
export function* content(bytes: number): Generator<Buffer> {
  for (let left = bytes; left > 0; left -= PIECE.length)
    yield left < PIECE.length ? PIECE.subarray(0, left) : PIECE;
}

export function hashOfContent(bytes: number): string {
  const hash = createHash('sha1');
  for (const piece of content(bytes)) hash.update(piece);
  return hash.digest('hex');
}

async function down(res: ServerResponse, bytes: number, sent: (length: number) => void): Promise<void> {
  for (const piece of content(bytes)) {
    if (res.destroyed) return;
    sent(piece.length);
    if (!res.write(piece)) await room(res);
  }
  res.end();
}

async function events(res: ServerResponse, everyMs: number, forMs: number, sentAt: number[]): Promise<void> {
  res.writeHead(200, { 'Content-Type': 'text/event-stream' });
  for (const until = performance.now() + forMs; performance.now() < until && !res.destroyed; ) {
    sentAt.push(performance.now());
    res.write(`id: ${sentAt.length}\ndata: ${sentAt.length}\n\n`);
    await wait(everyMs);
  }
  res.end();
}

function room(res: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const over = () => {
      res.off('drain', over).off('close', over);
      resolve();
    };
    res.once('drain', over).once('close', over);
  });
}
