import type { Server as HttpServer } from 'node:http';
import type { Http2SecureServer } from 'node:http2';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import {
  createServer as createTlsServer,
  DEFAULT_CIPHERS,
  type SecureContextOptions,
  type Server as TlsServer,
} from 'node:tls';
import type { KeyPair } from '../cluster/certificates.ts';
import {
  drainServer,
  type Handlers,
  http1Server,
  http2Server,
  type NodeServerOptions,
  startHeadTimeouts,
} from './node/connection.ts';
import type { RawTransport } from './raw/transport.ts';
import { keepAlive } from './tcp-keepalive.ts';

/**
 * The listening sockets. Accepted connections of HTTP/1.1 go to the raw transport, if it is on, and from there to Node's
 * servers; those of HTTP/2 go to Node's at once.
 */
export interface ListenerParts {
  node: Handlers;
  /** Undefined if it is off. */
  raw: Pick<RawTransport, 'take' | 'drain'> | undefined;
  /** A connection was accepted. */
  connected(socket: Socket): void;
}

export interface ListenOptions extends NodeServerOptions {
  address: string;
  port: number;
}

export interface Listener {
  readonly port: number;
  /** Accepts no more connections, and ends those without a request. */
  drain(): void;
  /** Cuts every connection. */
  cut(): void;
}

export interface SecureListener extends Listener {
  /** New connections get this certificate. */
  use(pair: KeyPair): void;
  /** From now on session tickets are sealed with these 48 bytes, and only such tickets are accepted. */
  sealTickets(keys: Buffer): void;
}

/** First, as Mozilla's guidelines and Go have it: SHA-256 instead of SHA-384 saves a tenth of a handshake. */
const PREFERRED = 'TLS_AES_128_GCM_SHA256';
const TLS: SecureContextOptions = {
  minVersion: 'TLSv1.2',
  honorCipherOrder: true,
  ciphers: [PREFERRED, ...DEFAULT_CIPHERS.split(':').filter((name) => name !== PREFERRED)].join(':'),
};

/** As Node's HTTP server sets them. */
const SOCKETS = { allowHalfOpen: true, noDelay: true };

/** Plain HTTP/1.1. */
export async function listenHttp(options: ListenOptions, parts: ListenerParts): Promise<Listener> {
  const { raw, node } = parts;
  const http1 = http1Server(options, node);
  const server = raw ? createServer(SOCKETS, (socket) => raw.take(socket, false, giveTo(http1))) : http1;
  const listener = await listen(server, options, parts);
  if (raw) startHeadTimeouts(http1);
  return {
    ...listener,
    drain: () => {
      listener.drain();
      drainServer(http1);
    },
  };
}

/** HTTP/2 and HTTP/1.1 by ALPN. Without a certificate it listens too: handshakes fail until `use` brings one. */
export async function listenHttps(options: ListenOptions, parts: ListenerParts): Promise<SecureListener> {
  const { raw, node } = parts;
  const { server: http2, sessions } = http2Server(options, TLS, node);
  const http1 = http1Server(options, node);
  const server = raw ? tlsServer(raw, http2, http1) : http2;
  const listener = await listen(server, options, parts);
  if (raw) startHeadTimeouts(http1);
  let ticketKeys: Buffer | undefined;
  return {
    ...listener,
    // Without its keys a new context would get new ones.
    use: (pair) => server.setSecureContext({ ...TLS, ...pair, ticketKeys }),
    sealTickets: (keys) => {
      ticketKeys = keys;
      server.setTicketKeys(keys);
    },
    drain: () => {
      listener.drain();
      for (const session of sessions) session.close();
      drainServer(http1);
    },
  };
}

function tlsServer(raw: Pick<RawTransport, 'take'>, http2: Http2SecureServer, http1: HttpServer): TlsServer {
  return createTlsServer({ ...TLS, ...SOCKETS, ALPNProtocols: ['h2', 'http/1.1'] }, (socket) => {
    if (socket.alpnProtocol === 'h2') {
      socket.on('error', ignore);
      socket.allowHalfOpen = false;
      http2.emit('secureConnection', socket);
    } else raw.take(socket, true, giveTo(http1));
  });
}

function giveTo(server: HttpServer): (socket: Socket) => void {
  return (socket) => server.emit('connection', socket);
}

async function listen(
  server: Server,
  { port, address }: ListenOptions,
  { raw, connected }: ListenerParts,
): Promise<Listener> {
  const sockets = new Set<Socket>();
  // One function for all of them: every connection holds it.
  const closed = function (this: Socket) {
    sockets.delete(this);
  };
  server.on('connection', (socket: Socket) => {
    keepAlive(socket);
    connected(socket);
    sockets.add(socket);
    socket.on('error', ignore).on('close', closed);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, address, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return {
    port: (server.address() as AddressInfo).port,
    drain: () => {
      if (server.listening) server.close();
      raw?.drain();
    },
    cut: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}

function ignore(): void {}
