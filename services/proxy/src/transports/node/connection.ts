import { createServer, type Server as HttpServer, type IncomingMessage, type ServerOptions } from 'node:http';
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  Http2ServerResponse,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Server, Socket } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import { BOUNDS, TIMEOUTS } from '../../timeouts.ts';
import type { TransportOptions } from '../options.ts';
import { isWebSocket, type WebRequest, type WebResponse } from './node-http.ts';
import { PipelineQueue } from './pipeline-queue.ts';
import type { NodeTransport } from './transport.ts';
import { UnreadUploads } from './unread-uploads.ts';

/** The handlers of what Node's servers read. */
export type Handlers = Pick<NodeTransport, 'request' | 'upgrade' | 'connect' | 'failed'>;

export type NodeServerOptions = Pick<TransportOptions, 'maxHeaderBytes' | 'headTimeoutMs'>;

/**
 * Node's HTTP/1.1 server for a proxy: no limit on the length of an exchange, because uploads and long polls last; limits on
 * heads and on idle connections; a strict parser.
 */
export function http1Server(options: NodeServerOptions, handlers: Handlers): HttpServer {
  const server = createServer(http1Options(options));
  handle(server, handlers);
  return server;
}

/** Node's HTTP/2 server, which also speaks HTTP/1.1 by ALPN. */
export function http2Server(
  options: NodeServerOptions,
  tls: SecureContextOptions,
  handlers: Handlers,
): { server: Http2SecureServer; sessions: ReadonlySet<ServerHttp2Session> } {
  const server = createSecureServer({
    ...tls,
    allowHTTP1: true,
    maxHeaderListPairs: BOUNDS.http2Fields,
    maxSessionMemory: BOUNDS.http2SessionMemory,
    settings: {
      initialWindowSize: BOUNDS.http2FirstWindow,
      maxHeaderListSize: Math.max(BOUNDS.http2HeadBytes, 2 * options.maxHeaderBytes),
      maxConcurrentStreams: BOUNDS.http2Streams,
      enableConnectProtocol: true,
    },
  });
  // With allowHTTP1 it reads the settings of HTTP/1 from properties of these names.
  Object.assign(server, http1Options(options));
  handle(server, handlers);
  const sessions = new Set<ServerHttp2Session>();
  const uploads = new UnreadUploads();
  server.on('session', (session) => {
    sessions.add(session);
    // Node takes what comes at once, so this window bounds only what is on its way.
    session.setLocalWindowSize(2 * BOUNDS.http2Window);
    enlargeWindows(session);
    uploads.follow(session);
    session.once('close', () => sessions.delete(session));
    session.on('error', () => {});
    endIdle(session);
  });
  return { server, sessions };
}

/** Ends a session that has had no stream for `idleMs`. */
export function endIdle(session: ServerHttp2Session, idleMs: number = TIMEOUTS.http2Idle): void {
  let open = 0;
  session.on('stream', (stream) => {
    open += 1;
    stream.once('close', () => {
      open -= 1;
    });
  });
  session.setTimeout(idleMs, () => {
    if (open === 0) session.close();
  });
}

/**
 * Lets a session's streams send further ahead once one of its bodies is read. Uploads that are held stay with their clients
 * until then, because a window that was given cannot be taken back.
 */
export function enlargeWindows(session: ServerHttp2Session): void {
  const follow = (stream: ServerHttp2Stream) => {
    if (!stream.endAfterHeaders) stream.once('resume', enlarge);
  };
  let enlarged = false;
  const enlarge = () => {
    if (enlarged || session.destroyed) return;
    enlarged = true;
    session.off('stream', follow);
    session.settings({ initialWindowSize: BOUNDS.http2Window });
  };
  session.on('stream', follow);
}

function http1Options({ maxHeaderBytes, headTimeoutMs }: NodeServerOptions): ServerOptions {
  return {
    requestTimeout: 0,
    headersTimeout: headTimeoutMs,
    keepAliveTimeout: TIMEOUTS.clientIdle,
    connectionsCheckingInterval: Math.min(TIMEOUTS.headCheck, headTimeoutMs),
    maxHeaderSize: maxHeaderBytes,
    insecureHTTPParser: false,
    // The request parser refuses a request without one, and then no later request of the connection is read.
    requireHostHeader: false,
    // Any other upgrade is ignored, and the request is answered as it is (RFC 9110 §7.8).
    shouldUpgradeCallback: isWebSocket,
  };
}

function handle(server: Server, handlers: Handlers): void {
  const queue = new PipelineQueue();
  const failed = (cut: () => void) => (error: unknown) => {
    handlers.failed(error);
    cut();
  };
  const request = (expectsContinue: boolean) => (req: WebRequest, res: WebResponse) => {
    const begin = () => handlers.request(req, res, expectsContinue).catch(failed(() => void res.destroy()));
    if (res instanceof Http2ServerResponse) void begin();
    else queue.take(req.socket, { req: req as IncomingMessage, res, begin });
  };
  const upgrade = (req: IncomingMessage, socket: Socket, head: Buffer) =>
    queue.take(socket, {
      begin: () => handlers.upgrade(req, socket, head).catch(failed(() => void socket.destroy())),
    });
  server.on('request', request(false));
  server.on('checkContinue', request(true));
  server.on('checkExpectation', request(false));
  server.on('upgrade', upgrade);
  server.on('connect', (req: WebRequest, to: WebResponse | Socket, head: Buffer) => {
    if (to instanceof Http2ServerResponse)
      void handlers.connect(req as Http2ServerRequest, to).catch(failed(() => void to.stream.destroy()));
    else upgrade(req as IncomingMessage, to as Socket, head);
  });
  server.on('clientError', (error: Error, socket: Socket) => queue.failed(error, socket));
}
