import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { StrangeAnswer } from './strange-answers/answer.ts';

/** A backend that answers `/strange` with its script and every other target with the target. */
export class ScriptedBackend implements AsyncDisposable {
  /** The answer to `/strange`. */
  script: StrangeAnswer | undefined;
  /** Resolves when the whole answer to the latest `/strange` was sent. */
  said: Promise<void> = Promise.resolve();
  /** For each target, the number of the connection on which it came last. */
  readonly cameOn = new Map<string, number>();
  #connections = 0;
  readonly #server = createServer({ noDelay: true }, (socket) => this.#serve(socket));
  readonly #sockets = new Set<Socket>();

  static async start(): Promise<ScriptedBackend> {
    const backend = new ScriptedBackend();
    backend.#server.listen(0, '127.0.0.1');
    await once(backend.#server, 'listening');
    return backend;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, 'close');
  }

  #serve(socket: Socket): void {
    const connection = ++this.#connections;
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => this.#sockets.delete(socket));
    let text = '';
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString('latin1');
      for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
        const head = text.slice(0, end);
        text = text.slice(end + 4);
        const target = head.split(' ')[1] ?? '';
        this.cameOn.set(target, connection);
        if (target === '/strange' && this.script) this.said = say(socket, this.script, head);
        else socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${target.length}\r\n\r\n${target}`);
      }
    });
  }
}

const MAGIC = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
/** For the other side to read one piece before the next comes. */
const BETWEEN_MS = 5;

export function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}${MAGIC}`).digest('base64');
}

async function say(socket: Socket, { pieces, after, forever }: StrangeAnswer, head: string): Promise<void> {
  const key = /sec-websocket-key: *(\S+)/i.exec(head)?.[1] ?? '';
  for (const piece of pieces) {
    socket.write(piece.replace('{accept}', acceptOf(key)), 'latin1');
    if (pieces.length < 20) await new Promise((resolve) => setTimeout(resolve, BETWEEN_MS));
    else await new Promise(setImmediate);
  }
  if (forever !== undefined) {
    const more = () => {
      while (socket.writable && socket.write(forever));
    };
    socket.on('drain', more);
    more();
  }
  if (after === 'end') socket.end();
  if (after === 'reset') socket.resetAndDestroy();
}
