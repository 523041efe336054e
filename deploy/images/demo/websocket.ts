/**
 * A WebSocket server's side of one connection (RFC 6455) on node:http's `upgrade` event: handshake, messages in
 * one or many frames, ping and pong, the closing handshake, and limits in both directions. A peer that answers no
 * ping, reads too slowly or never finishes closing is cut.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { encodeFrame, type Frame, FrameReader, OPCODE, ProtocolError } from './frames.ts';

export interface WebSocketLimits {
  /** The longest message taken from the peer; a longer one closes with 1009. */
  maxMessageBytes: number;
  /** What may wait for a slow reader before it is cut. */
  maxBufferedBytes: number;
  /** How often the peer is asked whether it is there; it is cut when it stays silent for two of them. */
  pingEveryMs: number;
  /** How long the peer may take to answer a close. */
  closeTimeoutMs: number;
}

export const DEFAULT_LIMITS: WebSocketLimits = {
  maxMessageBytes: 64 * 1024,
  maxBufferedBytes: 4 * 1024 * 1024,
  pingEveryMs: 20_000,
  closeTimeoutMs: 2_000,
};

const HANDSHAKE_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const ABNORMAL = 1006;

/** Answers an upgrade request; null where it is no proper WebSocket handshake (a 400 or 426 was sent). */
export function acceptWebSocket(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  limits: Partial<WebSocketLimits> = {},
): WebSocketConnection | null {
  const key = request.headers['sec-websocket-key'] ?? '';
  const isWebSocket = request.headers.upgrade?.toLowerCase() === 'websocket';
  if (request.method !== 'GET' || !isWebSocket || !/^[A-Za-z0-9+/]{22}==$/.test(key)) {
    refuseUpgrade(socket, '400 Bad Request');
    return null;
  }
  if (request.headers['sec-websocket-version'] !== '13') {
    refuseUpgrade(socket, '426 Upgrade Required', 'Sec-WebSocket-Version: 13\r\n');
    return null;
  }
  const accept = createHash('sha1')
    .update(key + HANDSHAKE_GUID)
    .digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  if (head.length > 0) socket.unshift(head);
  return new WebSocketConnection(socket, { ...DEFAULT_LIMITS, ...limits });
}

/** Answers an upgrade request with a plain HTTP error and closes the socket. */
export function refuseUpgrade(socket: Duplex, status: string, headers = ''): void {
  socket.on('error', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status}\r\n${headers}Connection: close\r\nContent-Length: 0\r\n\r\n`);
}

export class WebSocketConnection {
  /** Called with each whole message: text as a string, binary as a Buffer. */
  onMessage: (message: string | Buffer) => void = () => {};
  /** Called once, when the socket has gone, with the peer's close code (1006 where it sent none). */
  onClose: (code: number) => void = () => {};

  readonly #socket: Duplex;
  readonly #limits: WebSocketLimits;
  readonly #reader: FrameReader;
  readonly #pings: NodeJS.Timeout;
  #fragments: Buffer[] = [];
  #fragmentsOpcode: number = OPCODE.continuation;
  #fragmentsBytes = 0;
  #unansweredPings = 0;
  #closeSent = false;
  #closeCode = ABNORMAL;

  constructor(socket: Duplex, limits: WebSocketLimits) {
    this.#socket = socket;
    this.#limits = limits;
    this.#reader = new FrameReader(limits.maxMessageBytes);
    this.#pings = setInterval(() => this.#ping(), limits.pingEveryMs);
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('end', () => socket.end());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      clearInterval(this.#pings);
      this.onClose(this.#closeCode);
    });
  }

  /** Queues a message; nothing happens once a close has been sent. */
  send(message: string | Buffer): void {
    if (typeof message === 'string') this.#write(OPCODE.text, Buffer.from(message));
    else this.#write(OPCODE.binary, message);
  }

  /** Starts the closing handshake with a code of RFC 6455 §7.4 and a reason of at most 123 bytes. */
  close(code = 1000, reason = ''): void {
    if (this.#closeSent) return;
    const payload = Buffer.alloc(2 + Buffer.byteLength(reason));
    payload.writeUInt16BE(code, 0);
    payload.write(reason, 2);
    this.#write(OPCODE.close, payload);
    this.#closeSent = true;
    setTimeout(() => this.#socket.destroy(), this.#limits.closeTimeoutMs).unref();
  }

  #write(opcode: number, payload: Buffer): void {
    if (this.#closeSent || !this.#socket.writable) return;
    this.#socket.write(encodeFrame(opcode, payload));
    if (this.#socket.writableLength > this.#limits.maxBufferedBytes) this.#socket.destroy();
  }

  #ping(): void {
    if (this.#unansweredPings >= 2) this.#socket.destroy();
    this.#unansweredPings += 1;
    this.#write(OPCODE.ping, Buffer.alloc(0));
  }

  #read(chunk: Buffer): void {
    this.#unansweredPings = 0;
    try {
      for (const frame of this.#reader.push(chunk)) {
        this.#take(frame);
        if (this.#socket.destroyed || this.#socket.writableEnded) return;
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.close(error.closeCode, error.message);
      this.#socket.removeAllListeners('data').resume();
      this.#socket.end();
    }
  }

  #take(frame: Frame): void {
    if (frame.opcode === OPCODE.ping) this.#write(OPCODE.pong, frame.payload);
    else if (frame.opcode === OPCODE.close) this.#closed(frame.payload);
    else if (frame.opcode !== OPCODE.pong) this.#collect(frame);
  }

  #collect(frame: Frame): void {
    const isContinuation = frame.opcode === OPCODE.continuation;
    if (isContinuation !== this.#fragments.length > 0) {
      throw new ProtocolError(1002, 'a fragment is out of order');
    }
    if (!isContinuation) this.#fragmentsOpcode = frame.opcode;
    this.#fragments.push(frame.payload);
    this.#fragmentsBytes += frame.payload.length;
    if (this.#fragmentsBytes > this.#limits.maxMessageBytes) {
      throw new ProtocolError(1009, 'the message is too long');
    }
    if (!frame.final) return;
    const whole = this.#fragments.length === 1 ? frame.payload : Buffer.concat(this.#fragments);
    this.#fragments = [];
    this.#fragmentsBytes = 0;
    if (this.#closeSent) return;
    this.onMessage(this.#fragmentsOpcode === OPCODE.text ? decodeText(whole) : whole);
  }

  #closed(payload: Buffer): void {
    this.#closeCode = payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
    const mayBeEchoed = this.#closeCode >= 1000 && this.#closeCode < 5000 && this.#closeCode !== 1005;
    this.close(mayBeEchoed && this.#closeCode !== ABNORMAL ? this.#closeCode : 1000);
    this.#socket.end();
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decodeText(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new ProtocolError(1007, 'text must be UTF-8');
  }
}
