/**
 * The server's side of a WebSocket, with limits in both directions. A peer that answers no ping, reads too slowly or never
 * finishes closing is cut. The protocol (RFC 6455) is the work of `ws`.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';

export interface WebSocketLimits {
  /** The longest message accepted; a longer one closes with 1009. */
  maxMessageBytes: number;
  /** Bytes that may wait for a slow reader before it is cut. */
  maxBufferedBytes: number;
  /** The interval of pings. A peer that is silent for two of them is cut. */
  pingEveryMs: number;
  /** The peer's time to answer a close. */
  closeTimeoutMs: number;
}

export const DEFAULT_LIMITS: WebSocketLimits = {
  maxMessageBytes: 64 * 1024,
  maxBufferedBytes: 4 * 1024 * 1024,
  pingEveryMs: 20_000,
  closeTimeoutMs: 2_000,
};

/** Answers an upgrade request. Returns null if it is no proper WebSocket handshake, which has then been refused. */
export function acceptWebSocket(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  given: Partial<WebSocketLimits> = {},
): WebSocketConnection | null {
  const limits = { ...DEFAULT_LIMITS, ...given };
  const options = { noServer: true, clientTracking: false, perMessageDeflate: false };
  const server = new WebSocketServer({ ...options, maxPayload: limits.maxMessageBytes });
  let connection: WebSocketConnection | null = null;
  // Without a check that waits, `ws` calls back before it returns.
  server.handleUpgrade(request, socket, head, (accepted) => {
    connection = new WebSocketConnection(accepted, limits);
  });
  return connection;
}

/** Answers an upgrade request with a plain HTTP error and closes the socket. */
export function refuseUpgrade(socket: Duplex, status: string): void {
  socket.on('error', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

export class WebSocketConnection {
  /** Called with each whole message: text as a string, binary as a Buffer. */
  onMessage: (message: string | Buffer) => void = () => {};
  /** Called once, when the socket is gone, with the peer's close code (1006 if it sent none). */
  onClose: (code: number) => void = () => {};

  readonly #socket: WebSocket;
  readonly #limits: WebSocketLimits;
  #unansweredPings = 0;

  constructor(socket: WebSocket, limits: WebSocketLimits) {
    this.#socket = socket;
    this.#limits = limits;
    const pings = setInterval(() => this.#ping(), limits.pingEveryMs);
    socket.on('message', (message: Buffer, isBinary) => {
      this.#unansweredPings = 0;
      if (socket.readyState === WebSocket.OPEN) this.onMessage(isBinary ? message : message.toString());
    });
    socket.on('pong', () => {
      this.#unansweredPings = 0;
    });
    socket.on('error', () => this.#cutLater());
    socket.on('close', (code) => {
      clearInterval(pings);
      this.onClose(code);
    });
  }

  /** Queues a message. Does nothing after a close has been sent. */
  send(message: string | Buffer): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    this.#socket.send(message);
    if (this.#socket.bufferedAmount > this.#limits.maxBufferedBytes) this.#socket.terminate();
  }

  /** Starts the closing handshake with a code of RFC 6455 §7.4 and a reason of at most 123 bytes. */
  close(code = 1000, reason = ''): void {
    this.#socket.close(code, reason);
    this.#cutLater();
  }

  #ping(): void {
    if (this.#unansweredPings >= 2) this.#socket.terminate();
    this.#unansweredPings += 1;
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.ping();
  }

  #cutLater(): void {
    setTimeout(() => this.#socket.terminate(), this.#limits.closeTimeoutMs).unref();
  }
}
