/** The files of `public/`, read once at start and served from memory; there is no path from a URL to the disk. */
import { readdirSync, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join } from 'node:path';

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

const HEADERS = {
  'cache-control': 'no-cache',
  'content-security-policy':
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' blob: data:; connect-src 'self' ws: wss:",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** Serves a directory's files by their names, `page.html` as `/`, and `GET /healthz`. */
export function servePages(directory: string): Answer {
  const files = new Map<string, { type: string; body: Buffer }>();
  for (const name of readdirSync(directory)) {
    const type = TYPES[extname(name)];
    if (type)
      files.set(name === 'page.html' ? '/' : `/${name}`, { type, body: readFileSync(join(directory, name)) });
  }
  files.set('/healthz', { type: 'text/plain', body: Buffer.from('ok\n') });
  return (request, response) => {
    request.resume();
    const file = files.get((request.url ?? '').split('?')[0]!);
    if (!file) response.writeHead(404, { 'content-type': 'text/plain' }).end('not found\n');
    else if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD', 'content-type': 'text/plain' }).end('only GET\n');
    } else {
      response.writeHead(200, {
        ...HEADERS,
        'content-type': file.type,
        'content-length': file.body.length,
      });
      response.end(request.method === 'HEAD' ? undefined : file.body);
    }
  };
}
