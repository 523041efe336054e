import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AppError, type Clock } from '@spawner/domain';
import { readPage } from '../page.ts';
import type { PublicApi } from '../public-api.ts';
import { type ApiParts, answerCall, type Target } from './api.ts';
import { announcesTooMuch } from './body.ts';
import { handlers } from './handlers.ts';
import { openApi } from './openapi.ts';
import { json, type Reply } from './reply.ts';
import { send } from './wire.ts';

export interface HttpOptions extends Omit<ApiParts, 'handlers'> {
  address: string;
  port: number;
  clock: Clock;
  demoImage: string;
  /** Answers /healthz, /readyz and /metrics. */
  admin: RequestListener;
}

const ADMIN_PATHS = ['/healthz', '/readyz', '/metrics'];
const CLOSE_MS = 1_000;

/**
 * The public API over HTTP/1.1, its OpenAPI document, and the page at `/`. When it closes, streams end, running requests may
 * finish, and then what is left is cut.
 */
export async function serveHttp(api: PublicApi, options: HttpOptions) {
  const { clock, log } = options;
  const parts = { ...options, handlers: handlers(api, clock) };
  const closing = new AbortController();
  const site = new Map<string, Reply>([
    ['/', await readPage(options.demoImage)],
    ['/openapi.json', json(openApi())],
  ]);

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const left = new AbortController();
    response.once('close', () => left.abort(new AppError('cancelled', 'the caller left')));
    const target = targetOf(request.url ?? '/');
    const looking = request.method === 'GET' || request.method === 'HEAD';
    if (looking && ADMIN_PATHS.includes(target.path)) return options.admin(request, response);
    const signals = { signal: left.signal, streams: AbortSignal.any([left.signal, closing.signal]) };
    const page = looking ? site.get(target.path) : undefined;
    const answer = page ? { reply: page, headers: {} } : await answerCall(parts, request, target, signals);
    if (!response.closed) await send(request, response, answer, clock, signals.streams);
  };
  const handle: RequestListener = (request, response) => {
    serve(request, response).catch((error: unknown) => {
      log.error({ error }, 'answering failed');
      response.destroy();
    });
  };

  const server = createServer(
    { headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 10_000 },
    handle,
  );
  server.on('checkContinue', (request, response) => {
    if (!announcesTooMuch(request)) response.writeContinue();
    handle(request, response);
  });
  await once(server.listen(options.port, options.address), 'listening');
  server.on('error', (error) => log.warn({ error }, 'the HTTP listener has failed'));
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise<void>((resolve) => {
        const cut = setTimeout(() => server.closeAllConnections(), CLOSE_MS);
        server.close(() => {
          clearTimeout(cut);
          resolve();
        });
        closing.abort(new Error('the gateway is stopping'));
        server.closeIdleConnections();
      }),
  };
}

function targetOf(url: string): Target {
  const [path = '', ...query] = url.split('?');
  return { path, parameters: new URLSearchParams(query.join('?')) };
}
