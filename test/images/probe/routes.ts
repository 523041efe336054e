/** The answers of the probe, path by path: each route shows one thing, or does one thing to a proxy. */
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';

interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  url: URL;
  exit: (code: number) => void;
}

type Route = (exchange: Exchange) => void | Promise<void>;

const SSE_EVERY_MS = 200;
const DRIP_EVERY_MS = 50;
const MOST_BYTES = 1 << 30;

const ROUTES: Record<string, Route> = {
  '/': ({ response }) => say(response, 'Hello World!'),
  '/name': ({ response }) => say(response, process.env.NAME ?? ''),
  '/env': ({ response }) => sayJson(response, process.env),
  '/process': ({ response }) => sayJson(response, { argv: process.argv, limits: limits() }),
  '/headers': ({ request, response }) =>
    sayJson(response, { method: request.method, url: request.url, headers: request.headers }),
  '/sse': sse,
  '/download': download,
  '/slow': async ({ response, url }) => {
    await delay(number(url, 'ms', 1_000));
    say(response, 'slow');
  },
  '/echo': ({ request, response }) => {
    response.writeHead(200, {
      'content-type': request.headers['content-type'] ?? 'application/octet-stream',
    });
    request.pipe(response);
  },
  '/log': ({ response, url }) => {
    const stream = url.searchParams.get('stream') === 'stderr' ? process.stderr : process.stdout;
    stream.write(`${url.searchParams.get('text') ?? 'a line'}\n`);
    say(response, 'logged');
  },
  /** An answer that no proxy can forward: its lengths differ. */
  '/odd': ({ response }) =>
    void response.socket?.end('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nhi'),
  '/burn': ({ response, url }) => {
    const end = performance.now() + number(url, 'ms', 1_000);
    while (performance.now() < end) Math.sqrt(end);
    say(response, 'burnt');
  },
};

/** Answers one request; `/exit/:code` answers and then calls `exit`. */
export async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  exit: (code: number) => void,
): Promise<void> {
  const url = URL.parse(request.url ?? '/', 'http://probe');
  const route = url && routeOf(url.pathname);
  response.setHeader('x-probe', process.env.SPAWNER_BACKEND_ID ?? process.env.NAME ?? '');
  if (route) await route({ request, response, url, exit });
  else {
    response.statusCode = 404;
    say(response, 'no such route');
  }
}

function routeOf(path: string): Route | undefined {
  const code = /^\/exit\/(\d{1,3})$/.exec(path)?.[1];
  return code ? exitRoute(Number(code)) : ROUTES[path];
}

function exitRoute(code: number): Route {
  return ({ response, exit }) => {
    response.setHeader('connection', 'close');
    response.once('close', () => exit(code));
    say(response, `exiting with ${code}`);
  };
}

/** An event every 200 ms until the reader goes. */
async function sse({ response }: Exchange): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  for (let id = 1; !response.destroyed; id++) {
    response.write(`id: ${id}\ndata: event ${id}\n\n`);
    await delay(SSE_EVERY_MS);
  }
}

/** `bytes` spread evenly over `ms`; all at once, as fast as the reader reads, where `ms` is 0. */
async function download({ response, url }: Exchange): Promise<void> {
  const bytes = Math.min(number(url, 'bytes', 1_000_000), MOST_BYTES);
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': bytes });
  response.flushHeaders();
  await pipeline(drip(bytes, number(url, 'ms', 0)), response).catch(() => response.destroy());
}

async function* drip(bytes: number, ms: number): AsyncGenerator<Buffer> {
  const steps = Math.max(Math.ceil(ms / DRIP_EVERY_MS), Math.ceil(bytes / 65_536), 1);
  for (let step = 0; step < steps; step++) {
    if (ms > 0) await delay(ms / steps);
    const size = Math.floor((bytes * (step + 1)) / steps) - Math.floor((bytes * step) / steps);
    yield Buffer.alloc(size, 'spawner ');
  }
}

function number(url: URL, name: string, fallback: number): number {
  const value = Number(url.searchParams.get(name) ?? fallback);
  return Number.isFinite(value) && value >= 0 ? value : fallback;
}

function say(response: ServerResponse, text: string): void {
  response.setHeader('content-type', 'text/plain; charset=utf-8');
  response.end(text);
}

function sayJson(response: ServerResponse, value: unknown): void {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(value));
}

/** The limits of this container, as cgroup v2 or v1 has them; NaN where neither does. */
function limits() {
  const root = '/sys/fs/cgroup';
  const [quota, period] = first(`${root}/cpu.max`)?.split(' ') ?? [
    first(`${root}/cpu/cpu.cfs_quota_us`),
    first(`${root}/cpu/cpu.cfs_period_us`),
  ];
  return {
    memoryBytes: Number(first(`${root}/memory.max`, `${root}/memory/memory.limit_in_bytes`)),
    cpuMillis: (1_000 * Number(quota)) / Number(period),
    pids: Number(first(`${root}/pids.max`, `${root}/pids/pids.max`)),
  };
}

/** The text of the first of these files that exists. */
function first(...files: string[]): string | undefined {
  for (const file of files) {
    try {
      return readFileSync(file, 'utf8').trim();
    } catch {}
  }
  return undefined;
}
