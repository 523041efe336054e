/**
 * A small web server that does what a proxy must get right: it shows what it was sent, answers slowly, streams, and
 * echoes over HTTP and WebSocket.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { WebSocketServer } from 'ws';

export interface UpstreamOptions {
  address?: string;
  /** A free one by default. */
  port?: number;
  /** Answers of `/` and `/name`, to tell one upstream from another. */
  hello?: string;
}

export interface Upstream extends AsyncDisposable {
  port: number;
  url: string;
  /** Method and target of every request so far, upgrades included. */
  seen: readonly string[];
  /** Sockets that are open now. */
  connections(): number;
  /** Cuts every open connection; it still listens. */
  cut(): void;
  stop(): Promise<void>;
}

/**
 * Paths: `/` hello, `/headers` (JSON of what it saw), `/echo` (the body), `/status/<code>`, `/slow?ms=` (whole answer
 * late), `/download?bytes=&ms=` (spread over the time), `/sse?ms=&count=` (an event every `ms`).
 * Any WebSocket: text and binary come back as `echo: …`; the text `close <code>` closes.
 */
export async function startUpstream(options: UpstreamOptions = {}): Promise<Upstream> {
  const { address = '127.0.0.1', port = 0, hello = 'Hello World!' } = options;
  const seen: string[] = [];
  const sockets = new Set<Socket>();
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  const end = new AbortController();
  const pause: Pause = (ms) => wait(ms, undefined, { signal: end.signal });
  const server = createServer((req, res) => {
    answer(req, res, { hello, pause }).catch(() => res.destroy());
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const note = (req: IncomingMessage) => seen.push(`${req.method} ${req.url}`);
  server.on('request', note);
  server.on('upgrade', note);
  const webSockets = new WebSocketServer({ server });
  webSockets.on('connection', (socket) => {
    socket.on('message', (data, isBinary) => {
      const text = data.toString();
      const code = isBinary ? undefined : /^close (\d{4})$/.exec(text)?.[1];
      if (code) socket.close(Number(code), 'as asked');
      else socket.send(isBinary ? Buffer.concat([Buffer.from('echo: '), data as Buffer]) : `echo: ${text}`);
    });
  });

  await once(server.listen(port, address), 'listening');
  const bound = (server.address() as AddressInfo).port;
  const stop = async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    end.abort();
    webSockets.close();
    cut();
    await closed;
  };
  const url = `http://${address}:${bound}`;
  return { port: bound, url, seen, connections: () => sockets.size, cut, stop, [Symbol.asyncDispose]: stop };
}

type Pause = (ms: number) => Promise<void>;

interface Manner {
  hello: string;
  pause: Pause;
}

async function answer(req: IncomingMessage, res: ServerResponse, { hello, pause }: Manner) {
  const { pathname, searchParams } = new URL(req.url ?? '/', 'http://upstream');
  const number = (name: string, otherwise: number) => Number(searchParams.get(name) ?? otherwise);
  const [, first, second] = pathname.split('/');
  switch (first) {
    case 'headers': {
      const { method, url, headers, rawHeaders, httpVersion, socket } = req;
      const { remoteAddress } = socket;
      const sight = { method, url, httpVersion, headers, rawHeaders, remoteAddress };
      res.setHeader('content-type', 'application/json').end(JSON.stringify(sight));
      return;
    }
    case 'echo':
      res.setHeader('content-type', req.headers['content-type'] ?? 'application/octet-stream');
      req.pipe(res);
      return;
    case 'status':
      res.writeHead(Number(second)).end();
      return;
    case 'slow':
      await pause(number('ms', 100));
      res.end(hello);
      return;
    case 'download':
      return download(res, number('bytes', 1024), number('ms', 0), pause);
    case 'sse':
      return events(res, number('ms', 100), number('count', Number.POSITIVE_INFINITY), pause);
    case '':
    case 'name':
      res.setHeader('content-type', 'text/plain').end(hello);
      return;
    default:
      res.writeHead(404).end('no such page');
  }
}

const PIECES = 20;

async function download(res: ServerResponse, bytes: number, ms: number, pause: Pause) {
  res.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': bytes });
  res.flushHeaders();
  for (let piece = 0; piece < PIECES && !res.destroyed; piece += 1) {
    const size = Math.floor((bytes * (piece + 1)) / PIECES) - Math.floor((bytes * piece) / PIECES);
    if (!res.write(Buffer.alloc(size, 'x')) && size > 0) await drained(res);
    if (ms > 0) await pause(ms / PIECES);
  }
  res.end();
}

async function events(res: ServerResponse, ms: number, count: number, pause: Pause) {
  res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  for (let id = 1; id <= count && !res.destroyed; id += 1) {
    res.write(`id: ${id}\ndata: event ${id}\n\n`);
    await pause(ms);
  }
  res.end();
}

function drained(res: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const over = () => {
      res.off('drain', over).off('close', over);
      resolve();
    };
    res.once('drain', over).once('close', over);
  });
}
