import { once } from 'node:events';
import type { Server as HttpServer } from 'node:http';
import type { Http2SecureServer } from 'node:http2';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import {
  createServer as createTlsServer,
  type SecureContextOptions,
  type TLSSocket,
  type Server as TlsServer,
} from 'node:tls';
import type { KeyPair } from '../cluster/certificates.ts';
import { REPLIES } from '../edge/replies.ts';
import { TIMEOUTS } from '../timeouts.ts';
import { type Handlers, http1Server, http2Server, type NodeServerOptions } from './node/connection.ts';
import type { RawTransport } from './raw/transport.ts';
import { replyBytes } from './reply-bytes.ts';
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

export type Listener = Awaited<ReturnType<typeof listenHttp>>;
export type SecureListener = Awaited<ReturnType<typeof listenHttps>>;

/**
 * Mozilla's intermediate guidelines (5.7), without its two suites of DHE, which need parameters of their own. AES 128 comes first:
 * SHA-256 instead of SHA-384 saves a tenth of a handshake.
 */
const SUITES = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
];
const TLS: SecureContextOptions = {
  minVersion: 'TLSv1.2',
  honorCipherOrder: true,
  ciphers: SUITES.join(':'),
};

/** As Node's HTTP server sets them. */
const SOCKETS = { allowHalfOpen: true, noDelay: true };

/** Plain HTTP/1.1. */
export async function listenHttp(options: ListenOptions, parts: ListenerParts) {
  const { raw, node } = parts;
  const http1 = http1Server(options, node);
  const handOver = giveTo(http1);
  const server = raw ? createServer(SOCKETS, (socket) => raw.take(socket, false, handOver)) : http1;
  return listen(server, http1, options, parts);
}

/** HTTP/2 and HTTP/1.1 by ALPN. Without a certificate it listens too: handshakes fail until `use` brings one. */
export async function listenHttps(options: ListenOptions, parts: ListenerParts) {
  const { raw, node } = parts;
  const { server: http2, sessions } = http2Server(options, TLS, node);
  const http1 = http1Server(options, node);
  const server = raw ? tlsServer(raw, http2, http1) : http2;
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ERR_SSL_HTTP_REQUEST') answerPlain(socket);
  });
  const listener = await listen(server, http1, options, parts);
  let ticketKeys: Buffer | undefined;
  return {
    ...listener,
    /** New connections get this certificate. Without its keys a new context would get new ones. */
    use: (pair: KeyPair) => server.setSecureContext({ ...TLS, ...pair, ticketKeys }),
    /** From now on session tickets are sealed with these 48 bytes, and only such tickets are accepted. */
    sealTickets: (keys: Buffer) => {
      ticketKeys = keys;
      server.setTicketKeys(keys);
    },
    drain: () => {
      listener.drain();
      for (const session of sessions) session.close();
    },
  };
}

function tlsServer(raw: Pick<RawTransport, 'take'>, http2: Http2SecureServer, http1: HttpServer): TlsServer {
  const handOver = giveTo(http1);
  return createTlsServer({ ...TLS, ...SOCKETS, ALPNProtocols: ['h2', 'http/1.1'] }, (socket) => {
    if (socket.alpnProtocol === 'h2') {
      socket.on('error', ignore);
      socket.allowHalfOpen = false;
      http2.emit('secureConnection', socket);
    } else raw.take(socket, true, handOver);
  });
}

/** Answers by plain HTTP on the connection below a failed handshake, which only this private property leads to. */
function answerPlain(socket: TLSSocket & { _parent?: Socket }): void {
  const plain = socket._parent;
  if (!plain?.writable) return;
  plain.setTimeout(TIMEOUTS.clientLinger, () => plain.destroy());
  plain.end(replyBytes(REPLIES.plainOnTls(), true));
}

function giveTo(server: HttpServer): (socket: Socket) => void {
  return (socket) => server.emit('connection', socket);
}

/** `http1` gets connections from the raw transport, or is the server itself, or is not used. */
async function listen(server: Server, http1: HttpServer, options: ListenOptions, parts: ListenerParts) {
  const { raw, connected } = parts;
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
  server.listen(options.port, options.address);
  await once(server, 'listening');
  // Node starts the clock for heads only on servers that listen themselves.
  if (raw) http1.emit('listening');
  return {
    port: (server.address() as AddressInfo).port,
    /** Accepts no more connections, and ends those without a request. */
    drain: () => {
      if (server.listening) server.close();
      raw?.drain();
      // Stops the clock for heads.
      if (!http1.listening) http1.close();
      http1.closeIdleConnections();
    },
    /** Cuts every connection. */
    cut: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}

function ignore(): void {}
