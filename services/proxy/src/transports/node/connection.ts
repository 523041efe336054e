import { createServer, type Server as HttpServer, type IncomingMessage, type ServerOptions } from 'node:http';
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  Http2ServerResponse,
  type ServerHttp2Session,
} from 'node:http2';
import { type AddressInfo, createServer as createNetServer, type Server, type Socket } from 'node:net';
import {
  createServer as createTlsServer,
  DEFAULT_CIPHERS,
  type SecureContextOptions,
  type Server as TlsServer,
} from 'node:tls';
import type { KeyPair } from '../../cluster/certificates.ts';
import { BOUNDS, TIMEOUTS } from '../../timeouts.ts';
import { keepAlive } from '../tcp-keepalive.ts';
import { isWebSocket, type WebRequest, type WebResponse } from './node-http.ts';
import { Turns } from './pipeline-queue.ts';

/**
 * Node's own HTTP servers, set for a proxy: no limit on the length of an exchange (uploads and long polls
 * last), limits on heads and on what lies idle, and a strict parser.
 */
export interface Handlers {
  request(req: WebRequest, res: WebResponse, expectsContinue: boolean): Promise<void>;
  upgrade(req: IncomingMessage, socket: Socket, head: Buffer): Promise<void>;
  /** CONNECT over HTTP/2, plain or extended (RFC 8441). */
  connect(req: Http2ServerRequest, res: Http2ServerResponse): Promise<void>;
  /** One of them threw, which none should; its connection is cut. */
  failed(error: unknown): void;
  /** A connection was accepted. */
  connected(socket: Socket): void;
}

export interface ListenOptions {
  address: string;
  port: number;
  maxHeaderBytes: number;
  /** How long a request's head may take. */
  headTimeoutMs: number;
}

/** Takes accepted connections before the servers do, and may give one to them with what has come. */
export interface Front {
  take(socket: Socket, secure: boolean, general: (socket: Socket) => void): void;
  drain(): void;
}

export interface Listener {
  readonly port: number;
  /** No new connections, and those without a request end. */
  drain(): void;
  /** Ends every connection. */
  cut(): void;
}

export interface SecureListener extends Listener {
  /** New connections get this certificate. */
  use(pair: KeyPair): void;
  /** From now on session tickets are sealed with these 48 bytes, and only those that are can be resumed. */
  sealTickets(keys: Buffer): void;
}

/** First of all, as Mozilla's guidelines and Go have it: SHA-256 instead of SHA-384 saves a tenth of a handshake. */
const PREFERRED = 'TLS_AES_128_GCM_SHA256';
const TLS: SecureContextOptions = {
  minVersion: 'TLSv1.2',
  honorCipherOrder: true,
  ciphers: [PREFERRED, ...DEFAULT_CIPHERS.split(':').filter((name) => name !== PREFERRED)].join(':'),
};

export async function listenHttp(
  options: ListenOptions,
  handlers: Handlers,
  front?: Front,
): Promise<Listener> {
  const general = createServer(http1(options));
  hear(general, handlers);
  const server = front
    ? createNetServer(SOCKETS, (socket) => front.take(socket, false, to(general)))
    : general;
  const sockets = track(server, handlers);
  await listen(server, options);
  if (front) startHeadTimeouts(general);
  return {
    port: portOf(server),
    drain: () => {
      if (server.listening) server.close();
      drainGeneral(general);
      front?.drain();
    },
    cut: () => cut(sockets),
  };
}

/** HTTP/2 and HTTP/1.1 by ALPN. Listens without a certificate too: handshakes fail until `use` brings one. */
export async function listenHttps(
  options: ListenOptions,
  handlers: Handlers,
  front?: Front,
): Promise<SecureListener> {
  const general = createSecureServer({
    ...TLS,
    allowHTTP1: true,
    settings: {
      maxHeaderListSize: options.maxHeaderBytes,
      maxConcurrentStreams: BOUNDS.http2Streams,
      enableConnectProtocol: true,
    },
  });
  // With allowHTTP1 it reads HTTP/1's settings from properties of these names.
  Object.assign(general, http1(options));
  hear(general, handlers);
  const http1General = createServer(http1(options));
  hear(http1General, handlers);
  const server = front ? frontTls(front, general, http1General) : general;
  const sockets = track(server, handlers);
  const sessions = new Set<ServerHttp2Session>();
  general.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
    session.on('error', () => {});
    endIdle(session);
  });
  let ticketKeys: Buffer | undefined;
  await listen(server, options);
  if (front) startHeadTimeouts(http1General);
  return {
    port: portOf(server),
    // A new certificate would come with new keys otherwise.
    use: (pair) => server.setSecureContext({ ...TLS, ...pair, ticketKeys }),
    sealTickets: (keys) => {
      ticketKeys = keys;
      server.setTicketKeys(keys);
    },
    drain: () => {
      if (server.listening) server.close();
      for (const session of sessions) session.close();
      drainGeneral(http1General);
      front?.drain();
    },
    cut: () => cut(sockets),
  };
}

/** As Node's HTTP server sets them. */
const SOCKETS = { allowHalfOpen: true, noDelay: true };

/** By ALPN: HTTP/2 goes to its server at once. */
function frontTls(front: Front, http2: Http2SecureServer, http1: HttpServer): TlsServer {
  return createTlsServer({ ...TLS, ...SOCKETS, ALPNProtocols: ['h2', 'http/1.1'] }, (socket) => {
    if (socket.alpnProtocol === 'h2') {
      socket.on('error', ignore);
      socket.allowHalfOpen = false;
      http2.emit('secureConnection', socket);
    } else front.take(socket, true, to(http1));
  });
}

function ignore(): void {}

function to(server: HttpServer): (socket: Socket) => void {
  return (socket) => server.emit('connection', socket);
}

/** A server that gets its connections handed over starts its clock for heads only so. */
function startHeadTimeouts(server: HttpServer): void {
  server.emit('listening');
}

/** Closes what it has without a request; stops its clock. */
function drainGeneral(server: HttpServer): void {
  if (!server.listening) server.close();
  server.closeIdleConnections();
}

function http1({ maxHeaderBytes, headTimeoutMs }: ListenOptions): ServerOptions {
  return {
    requestTimeout: 0,
    headersTimeout: headTimeoutMs,
    keepAliveTimeout: TIMEOUTS.clientIdle,
    connectionsCheckingInterval: Math.min(TIMEOUTS.headCheck, headTimeoutMs),
    maxHeaderSize: maxHeaderBytes,
    insecureHTTPParser: false,
    // What it lacks is refused where nothing that follows it on its connection is taken up.
    requireHostHeader: false,
    // Any other upgrade is ignored and the request answered as it is (RFC 9110 §7.8).
    shouldUpgradeCallback: isWebSocket,
  };
}

function hear(server: Server, handlers: Handlers): void {
  const turns = new Turns();
  const request = (expectsContinue: boolean) => (req: WebRequest, res: WebResponse) => {
    const begin = () =>
      void handlers.request(req, res, expectsContinue).catch((error: unknown) => {
        handlers.failed(error);
        res.destroy();
      });
    if (res instanceof Http2ServerResponse) begin();
    else turns.request(req as IncomingMessage, res, begin);
  };
  const upgrade = (req: IncomingMessage, socket: Socket, head: Buffer) =>
    turns.takeover(socket, () => {
      void handlers.upgrade(req, socket, head).catch((error: unknown) => {
        handlers.failed(error);
        socket.destroy();
      });
    });
  server.on('request', request(false));
  server.on('checkContinue', request(true));
  server.on('checkExpectation', request(false));
  server.on('upgrade', upgrade);
  server.on('connect', (req: WebRequest, to: WebResponse | Socket, head: Buffer) => {
    if (to instanceof Http2ServerResponse)
      void handlers.connect(req as Http2ServerRequest, to).catch((error: unknown) => {
        handlers.failed(error);
        to.stream.destroy();
      });
    else upgrade(req as IncomingMessage, to as Socket, head);
  });
  server.on('clientError', (error: Error, socket: Socket) => turns.failed(error, socket));
}

function track(server: Server, handlers: Handlers): Set<Socket> {
  const sockets = new Set<Socket>();
  const closed = function (this: Socket) {
    sockets.delete(this);
  };
  server.on('connection', (socket: Socket) => {
    keepAlive(socket);
    handlers.connected(socket);
    sockets.add(socket);
    socket.on('error', ignore).on('close', closed);
  });
  return sockets;
}

function cut(sockets: ReadonlySet<Socket>): void {
  for (const socket of sockets) socket.destroy();
}

function endIdle(session: ServerHttp2Session): void {
  let open = 0;
  session.on('stream', (stream) => {
    open += 1;
    stream.once('close', () => {
      open -= 1;
    });
  });
  session.setTimeout(TIMEOUTS.http2Idle, () => {
    if (open === 0) session.close();
  });
}

function listen(server: Server, { port, address }: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, address, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
