import { createServer, type IncomingMessage, type ServerOptions } from 'node:http';
import { createSecureServer, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import type { KeyPair } from './certificates.ts';
import { isWebSocket, type WebRequest, type WebResponse } from './node-http.ts';
import { keepAlive } from './websocket.ts';

/**
 * Node's own HTTP servers, set for a proxy: no limit on the length of an exchange (uploads and long polls
 * last), limits on heads and on what lies idle, and a strict parser.
 */
export interface Handlers {
  request(req: WebRequest, res: WebResponse, expectsContinue: boolean): Promise<void>;
  upgrade(req: IncomingMessage, socket: Socket, head: Buffer): Promise<void>;
  /** One of them threw, which none should; its connection is cut. */
  failed(error: unknown): void;
  /** A connection was accepted. */
  connected(socket: Socket): void;
}

export interface ListenOptions {
  address: string;
  port: number;
  maxHeaderBytes: number;
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
}

const HEAD_MS = 60_000;
const IDLE_MS = 75_000;
const H2_IDLE_MS = 120_000;
const H2_STREAMS = 250;

const TLS: SecureContextOptions = { minVersion: 'TLSv1.2', honorCipherOrder: true };

export async function listenHttp(options: ListenOptions, handlers: Handlers): Promise<Listener> {
  const server = createServer(http1(options));
  hear(server, handlers);
  const sockets = track(server, handlers);
  await listen(server, options);
  return {
    port: portOf(server),
    drain: () => {
      if (server.listening) server.close();
      server.closeIdleConnections();
    },
    cut: () => cut(sockets),
  };
}

/** HTTP/2 and HTTP/1.1 by ALPN. Listens without a certificate too: handshakes fail until `use` brings one. */
export async function listenHttps(options: ListenOptions, handlers: Handlers): Promise<SecureListener> {
  const server = createSecureServer({
    ...TLS,
    allowHTTP1: true,
    settings: { maxHeaderListSize: options.maxHeaderBytes, maxConcurrentStreams: H2_STREAMS },
  });
  // With allowHTTP1 it reads HTTP/1's settings from properties of these names.
  Object.assign(server, http1(options));
  hear(server, handlers);
  const sockets = track(server, handlers);
  const sessions = new Set<ServerHttp2Session>();
  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
    session.on('error', () => {});
    endIdle(session);
  });
  await listen(server, options);
  return {
    port: portOf(server),
    use: (pair) => server.setSecureContext({ ...TLS, ...pair }),
    drain: () => {
      if (server.listening) server.close();
      for (const session of sessions) session.close();
    },
    cut: () => cut(sockets),
  };
}

function http1({ maxHeaderBytes }: ListenOptions): ServerOptions {
  return {
    requestTimeout: 0,
    headersTimeout: HEAD_MS,
    keepAliveTimeout: IDLE_MS,
    connectionsCheckingInterval: 10_000,
    maxHeaderSize: maxHeaderBytes,
    insecureHTTPParser: false,
    requireHostHeader: true,
    // Any other upgrade is ignored and the request answered as it is (RFC 9110 §7.8).
    shouldUpgradeCallback: isWebSocket,
  };
}

function hear(server: Server, handlers: Handlers): void {
  const request = (expectsContinue: boolean) => (req: WebRequest, res: WebResponse) =>
    void handlers.request(req, res, expectsContinue).catch((error: unknown) => {
      handlers.failed(error);
      res.destroy();
    });
  server.on('request', request(false));
  server.on('checkContinue', request(true));
  server.on('upgrade', (req: IncomingMessage, socket: Socket, head: Buffer) => {
    void handlers.upgrade(req, socket, head).catch((error: unknown) => {
      handlers.failed(error);
      socket.destroy();
    });
  });
}

function track(server: Server, handlers: Handlers): Set<Socket> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    keepAlive(socket);
    handlers.connected(socket);
    socket.on('error', () => {});
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
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
  session.setTimeout(H2_IDLE_MS, () => {
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
